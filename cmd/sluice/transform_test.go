package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A transform, and where a column is filled from, is checked with the rest of the
// configuration, and the faults say what to do.
func TestCheckConfigOfTransforms(t *testing.T) {
	for stream, want := range map[string]string{
		`transform: ".a = now"`:                   "streams.s: transform: now cannot be used: a repeated delivery must give the same result: use $arrival",
		`transform: ".a |"`:                       "streams.s: transform: line 1: unexpected EOF",
		`transform: "$ENV.HOME"`:                  "has no environment",
		`columns: {a: {type: int, from: "x..y"}}`: `streams.s: column "a": from:`,
		`{prefix: "!{partitionKeyFromQuery:k}/", partition_query: "{k: now}"}`:    "streams.s.partition_query: now cannot be used",
		`{prefix: "!{partitionKeyFromQuery:k}/", partition_query: "{k: (.a |}"}`:  "streams.s.partition_query: line 1: unexpected token",
		`{prefix: "!{partitionKeyFromQuery:k}/", partition_query: "{j: (.a+1)}"}`: `streams.s.partition_query: the prefix names the partition key "k"`,
		`{prefix: "!{partitionKeyFromQuery:k}/", partition_query: "{j: .a}"}`:     `streams.s.prefix: prefix "!{partitionKeyFromQuery:k}/": !{partitionKeyFromQuery:k}: there is no partition key "k"`,
		`partition_query: "{j: .a}"`:                                                                     "partition_query: is for prefix, which is not set",
		`{prefix: "x/", partition_keys: {k: a}, partition_query: "{k: .a}"}`:                             "is set beside partition_keys",
		`{prefix: "!{partitionKeyFromQuery:k}/", partition_query: "if .a then {k: 1} else {k: .b} end"}`: "",
		`columns: {a: {typ: int}}`:                                                                       "did you mean type?",
		`columns: {a: {from: b}}`:                                                                        "has no type",
		`columns: {a: "timestamp(epoch)"}`:                                                               "want epoch_seconds, epoch_millis, epoch_micros",
		`{partition_by: [c=geo.city], columns: {city: {type: string, from: geo.city}}}`:                  "the field geo.city is moved to the column city before the record is partitioned: write city",
		`{partition_by: [c=city], transform: "select(.a)", columns: {city: {type: string, from: geo.city}, at: timestamp(epoch_millis)}}`: "",
	} {
		text := "streams:\n  s: " + stream + "\n"
		if !strings.HasPrefix(stream, "{") {
			text = "streams:\n  s:\n    " + stream + "\n"
		}
		config := filepath.Join(t.TempDir(), "sluice.yaml")
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		stdout, stderr, code := command(t, "", "check-config", "--config", config)
		if want == "" && code != exitOK || want != "" && (code == exitOK || !strings.Contains(stderr, want)) {
			t.Errorf("%s: %d\n%s%s\nwant %s", stream, code, stdout, stderr, want)
		}
	}
}
