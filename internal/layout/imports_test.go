package layout_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "sluice"

// allowed is the table of imports between rooms; sub-packages of a room count as
// the room, and may import each other. Imports point downwards only.
var allowed = map[string][]string{
	"cmd":                 {"ingest", "query", "internal/delivery", "internal/dedupe", "internal/sequences", "internal/holdback", "internal/upkeep", "internal/natsserver", "internal/demo", "internal/importer", "internal/client", "internal/sample", "internal/ndjson", "internal/progress", "buffer", "convert", "partitioner", "catalogsync", "internal/lake", "configs"},
	"ingest":              {"internal/jsonscan", "internal/lake", "configs"},
	"query":               {"buffer", "internal/holdback", "convert", "partitioner", "catalogsync", "internal/jsonscan", "internal/lake", "configs"},
	"internal/delivery":   {"buffer", "internal/holdback", "convert", "partitioner", "catalogsync", "internal/lake", "configs"},
	"internal/importer":   {"internal/delivery", "buffer", "convert", "internal/jsonscan", "internal/lake"}, // a log and a delivery of its own
	"internal/dedupe":     {"buffer", "internal/jsonscan", "internal/lake"},
	"internal/sequences":  {"buffer", "internal/lake"},
	"internal/holdback":   {"internal/lake"},
	"internal/upkeep":     {"convert", "catalogsync", "partitioner", "internal/lake"},
	"buffer":              {"internal/lake"},
	"convert":             {"partitioner", "internal/jsonscan", "internal/lake"},
	"partitioner":         {"internal/jsonscan", "internal/lake"},
	"catalogsync":         {"partitioner", "internal/lake", "internal/jsonscan"},
	"internal/lake":       {},
	"internal/jsonscan":   {},
	"configs":             {"internal/lake"},
	"internal/client":     {"internal/jsonscan", "internal/progress"},
	"internal/progress":   {},
	"internal/sample":     {},
	"internal/ndjson":     {"internal/lake"},
	"internal/demo":       {"internal/client", "internal/progress", "internal/sample"},
	"internal/natsserver": {},
	"internal/s3test":     {},
	"internal/rowcheck":   {},
	"internal/layout":     {},
	"internal/clienttest": {},
	"internal/prestotest": {},
	"internal/enginetest": {"internal/client", "internal/s3test", "internal/prestotest", "internal/sample"},
	"internal/intaketest": {"ingest", "buffer", "internal/lake", "configs"},      // it opens the log with the settings' defaults
	"internal/crashtest":  {"internal/client", "internal/s3test", "catalogsync"}, // it runs the catalog's server beside the service
}

// owners are the only packages (below which folder) that import a heavy
// dependency.
var owners = map[string][]string{
	"github.com/parquet-go/parquet-go":                        {"convert", "query/fetch", "internal/crashtest", "query/output"}, // which checks with its own eyes what convert wrote
	"github.com/apache/arrow-go/v18":                          {"query"},                                                        // the form of answers by columns
	"github.com/duckdb/duckdb-go/v2":                          {"query/executor"},
	"github.com/aws/aws-sdk-go-v2/service/glue":               {"catalogsync"},
	"github.com/aws/aws-sdk-go-v2/service/athena":             {"query/athena"},
	"github.com/trinodb/trino-go-client":                      {"query/trino"},
	"github.com/aws/aws-sdk-go-v2/service/s3":                 {"internal/lake/store", "internal/s3test"},
	"github.com/itchyny/gojq":                                 {"convert/jq"},
	"modernc.org/sqlite":                                      {"catalogsync/embedded"},
	"github.com/spf13/cobra":                                  {"cmd"},
	"github.com/nats-io/nats.go":                              {"ingest/natsjs"},
	"github.com/nats-io/nats-server/v2":                       {"internal/natsserver"},
	"go.yaml.in/yaml/v3":                                      {"configs"},
	"github.com/aws/aws-sdk-go-v2/feature/s3":                 {"internal/lake/store"},
	"github.com/prometheus/client_golang/prometheus/promhttp": {"cmd"},
}

func TestImports(t *testing.T) {
	for dir, imports := range importsByFolder(t) {
		room := roomOf(dir)
		rooms, ok := allowed[room]
		if !ok {
			t.Errorf("%s is in no room of the table", dir)
		}
		for _, path := range imports {
			if target, ours := strings.CutPrefix(path, module+"/"); ours {
				if to := roomOf(target); to != room && !slices.Contains(rooms, to) {
					t.Errorf("%s imports %s: %s may import %v only", dir, path, room, rooms)
				}
			}
			for heavy, where := range owners {
				if path != heavy && !strings.HasPrefix(path, heavy+"/") {
					continue
				}
				if !slices.ContainsFunc(where, func(w string) bool { return dir == w || strings.HasPrefix(dir, w+"/") }) {
					t.Errorf("%s imports %s: only %v may", dir, path, where)
				}
			}
		}
	}
}

// The top level is fixed.
func TestTopLevel(t *testing.T) {
	want := []string{"buffer", "catalogsync", "cmd", "configs", "convert", "ingest", "internal", "partitioner", "query"}
	var got []string
	for _, dir := range slices.Sorted(maps.Keys(importsByFolder(t))) {
		got = append(got, strings.Split(dir, "/")[0])
	}
	if got = slices.Compact(got); !slices.Equal(got, want) {
		t.Errorf("top-level folders with Go code: %v, want %v", got, want)
	}
}

// roomOf is the folder that a package counts as.
func roomOf(dir string) string {
	parts := strings.Split(dir, "/")
	if parts[0] == "internal" && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

// importsByFolder lists what the code of each folder imports, tests left out.
func importsByFolder(t *testing.T) map[string][]string {
	t.Helper()
	root := filepath.Join("..", "..")
	out := map[string][]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != root) {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		rel, err := filepath.Rel(root, filepath.Dir(path))
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(rel)
		out[dir] = append(out[dir], nil...)
		if strings.HasSuffix(path, "_test.go") {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		for _, imp := range f.Imports {
			out[dir] = append(out[dir], strings.Trim(imp.Path.Value, `"`))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
