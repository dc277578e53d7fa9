// Package presto makes a statement in Presto's dialect one of DuckDB's that has
// the same meaning, or says why it cannot.
//
// # What it promises
//
// Presto's answer or an error that names what is not supported, never another
// answer. A function is in the table (functions.go) as exact, as rewritten, or as
// refused; one that is in none is refused too, also where DuckDB has a function of
// that name. What Presto refuses for its types alone (a comparison of a text with
// a number, say) and syntax that only DuckDB has may be answered as DuckDB does.
//
// # How
//
// Front rewrites what DuckDB's grammar does not take (array(…) and varchar(n) in
// casts, IGNORE NULLS behind the arguments, FETCH FIRST, TABLESAMPLE by a bare
// number …) on the level of tokens, and knows for each place of the new text the
// place in the old. Rewrite changes the syntax tree: functions and operators
// whose meaning depends on values or types become calls of macros, whose
// definitions are in macros.sql. The executor makes those that the statement
// needs; what no function of DuckDB's equals (JSON, hashes) is a function in Go, see
// package function. Comparisons, conjunctions and IN stay what they are, so that conditions
// prune as before. Of numbers the tree notes the type, as far as it follows from the
// statement and the columns of tables: see kinds.go.
//
// # Where it stands
//
// PrestoDB is the authority; where Trino (and so Athena) differs, the doc of query
// says which one was taken. The session's zone is UTC. What PrestoDB 0.287 itself
// answers to some 3,000 statements is in testdata/presto.ndjson, and a test compares
// values and types. testdata/differences.txt has what is refused here though Presto
// answers, what is answered though Presto refuses, and the few answers that are not
// the same, with the reason. testdata/typical.txt has queries as Athena's users write
// them; none of those may be refused.
//
// To ask it again (it needs Java 17 and 2 GB of disk), get the archive
//
//	mvn dependency:get -Dtransitive=false -Dartifact=com.facebook.presto:presto-server:0.287:tar.gz
//
// of which bin, lib, plugin/memory, plugin/tpch and plugin/blackhole are enough;
// Java 17 needs asm, asm-tree, asm-analysis and asm-util 9.7 in lib in the place of
// 9.0. Let etc/catalog/memory.properties say connector.name=memory, and
// etc/config.properties coordinator=true, node-scheduler.include-coordinator=true,
// discovery-server.enabled=true, http-server.http.port=18080,
// discovery.uri=http://127.0.0.1:18080, node.bind-ip=127.0.0.1 and
// task.max-worker-threads=2; start the class com.facebook.presto.server.PrestoServer
// with -Xmx1500M, -Duser.timezone=UTC, -Dnode.internal-address=127.0.0.1,
// --add-opens=java.base/java.lang=ALL-UNNAMED and -Djdk.attach.allowAttachSelf=true, and
//
//	TEST_PRESTO_URL=http://127.0.0.1:18080 go test ./query/presto -run 'TestPresto$' -update
//
// which takes five minutes; with -missing only what was not asked before is.
package presto
