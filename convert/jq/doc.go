// Package jq runs jq programs over a stream's records: its transform, and the query of its
// partition keys.
//
// # What a program is
//
// One in the language of jq (https://jqlang.org/manual), as gojq has it. Its input
// is the record, $arrival is when it was accepted, in seconds since 1970. It emits
// one object, which takes the record's place, or nothing, which leaves the record
// out. Anything else (several values, a value that is no object, an error) is the
// record's failure. Of the query of partition keys some members of the object are
// taken, and one that emits nothing is a failure too. Numbers that a program only passes on stay as they were
// written; arithmetic is that of jq: integers of any size, else float64. Of keys
// given twice the last counts, a lone surrogate becomes U+FFFD, keys come out
// sorted.
//
// # What it promises
//
// The same program and record give the same result, on every attempt: there is no
// clock, environment, file, module, second input or output to be reached, Compile
// refuses what would ask for them. Nothing a program does takes more than MaxSteps
// steps or MaxBytes bytes for one record: its text is rewritten so that what can
// grow (operators on strings and arrays, built-in functions that go through their
// whole input, indexes assigned to) is metered. Both limits are counted, not timed,
// so a record fails or passes wherever it runs. Patterns of regular expressions must
// be literals, as gojq keeps every one it has compiled.
package jq
