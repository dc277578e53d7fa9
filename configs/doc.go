// Package configs is the configuration: its types, its defaults, how it is
// loaded and when it is refused. Nothing else in Sluice reads the environment
// or a configuration file.
//
// A setting's value comes from the command line (which cmd lays over what Load
// returns, and then calls Validate again), else from its environment variable,
// else from the file, else from Default. The variable of a setting is SLUICE_
// and its path in capitals, with _ for each dot: buffer.size is
// SLUICE_BUFFER_SIZE. An empty variable counts as not set. Streams have no
// variable each; SLUICE_STREAMS holds all of them as inline YAML, and replaces
// those of the file.
//
// # Promises
//
//   - Strict: an unknown key, a duplicate key, a value of the wrong kind or out
//     of its range, an unknown SLUICE_ variable: each is a fault. A fault names
//     the file and line or the variable, the path of the setting, what was
//     found, and what would do instead.
//   - All faults are reported at once, as Faults. Only a file that is not YAML
//     ends at its first.
//   - A file cannot exhaust memory or time: it is at most 1 MiB, and its aliases
//     expand to at most 100,000 values.
//   - No configuration at all is a configuration: Default works on a machine with
//     2 cores and 4 GiB, and passes Validate.
//   - The sample, sluice.yaml, holds every setting with its default.
//
// # Not promised
//
// The expressions of partition_by are checked for their shape, name=expression,
// only: what an expression may say is partitioner's knowledge, and cmd's
// check-config asks it. Whether a folder can be written, a port is free or a
// bucket exists shows when it is used. Merge keys (<<) of YAML are refused.
//
// # Why not koanf
//
// The design names koanf for loading. It hands on merged maps, without the line
// that a value came from, and forgets duplicate keys; this package reads the
// node tree of go.yaml.in/yaml/v3 instead, which keeps both.
package configs
