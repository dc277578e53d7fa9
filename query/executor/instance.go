package executor

import (
	"context"
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/duckdb/duckdb-go/v2/mapping"
)

// An instance is a DuckDB database in memory with one connection.
type instance struct {
	db   mapping.Database
	conn mapping.Connection
}

// openInstance makes an instance with the given options, which are DuckDB's.
func openInstance(options map[string]string) (*instance, error) {
	var cfg mapping.Config
	if mapping.CreateConfig(&cfg) == mapping.StateError {
		return nil, fmt.Errorf("open executor: no configuration")
	}
	defer mapping.DestroyConfig(&cfg)
	for name, value := range options {
		if mapping.SetConfig(cfg, name, value) == mapping.StateError {
			return nil, fmt.Errorf("open executor: option %s=%q is refused", name, value)
		}
	}
	in := &instance{}
	var message string
	if mapping.OpenExt("", &in.db, cfg, &message) == mapping.StateError {
		mapping.Close(&in.db)
		return nil, fmt.Errorf("open executor: %s", message)
	}
	if mapping.Connect(in.db, &in.conn) == mapping.StateError {
		in.close()
		return nil, fmt.Errorf("open executor: connect")
	}
	return in, nil
}

func (in *instance) close() {
	mapping.Disconnect(&in.conn)
	mapping.Close(&in.db)
}

// connect opens one more connection to the same database; it must be closed
// before the instance is.
func (in *instance) connect() (*instance, error) {
	other := &instance{}
	if mapping.Connect(in.db, &other.conn) == mapping.StateError {
		mapping.Disconnect(&other.conn)
		return nil, fmt.Errorf("connect to the executor")
	}
	return other, nil
}

// exec runs a statement that answers with nothing of interest.
func (in *instance) exec(sql string) error {
	var res mapping.Result
	defer mapping.DestroyResult(&res)
	if mapping.Query(in.conn, sql, &res) == mapping.StateError {
		return parseError(mapping.ResultError(&res))
	}
	return nil
}

// lock ends the set-up: only the files named stay readable, and no setting can
// be changed any more. DuckDB resolves a path, link by link, when it is allowed, when it
// is looked up and twice when it is opened: for tens of thousands of small files that is
// what the sandbox costs, about a third of their scan.
func (in *instance) lock(files []string) error {
	sorted := append([]string(nil), files...)
	sort.Strings(sorted)
	for _, sql := range []string{
		"SET TimeZone = 'UTC'",
		"SET errors_as_json = true",
		"SET preserve_insertion_order = false",
		"SET allowed_paths = " + Texts(sorted),
		"SET enable_external_access = false",
		"SET lock_configuration = true",
	} {
		if err := in.exec(sql); err != nil {
			return fmt.Errorf("set up executor: %w", err)
		}
	}
	return nil
}

// interruptEvery is how often a query whose context ended is interrupted again:
// an interrupt that comes between two steps is lost.
const interruptEvery = 20 * time.Millisecond

// watch interrupts the connection from the end of ctx on, until stop, which
// returns when no interrupt can come any more.
func (in *instance) watch(ctx context.Context) (stop func()) {
	if ctx.Done() == nil {
		return func() {}
	}
	stopped, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-stopped:
			return
		case <-ctx.Done():
		}
		tick := time.NewTicker(interruptEvery)
		defer tick.Stop()
		for {
			mapping.Interrupt(in.conn)
			select {
			case <-stopped:
				return
			case <-tick.C:
			}
		}
	}()
	return func() { close(stopped); <-ended }
}

// Quote is s as a string literal of SQL.
func Quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

// Texts is a list of strings as an expression of SQL. A long one is a single literal
// that is taken apart: as one literal each, tens of thousands take DuckDB seconds to
// bind.
func Texts(list []string) string {
	const long = 64
	if len(list) < long || slices.ContainsFunc(list, func(s string) bool { return strings.Contains(s, "\n") }) {
		quoted := make([]string, len(list))
		for i, s := range list {
			quoted[i] = Quote(s)
		}
		return "[" + strings.Join(quoted, ",") + "]"
	}
	return "string_split(" + Quote(strings.Join(list, "\n")) + ", chr(10))"
}

// Identifier is s as a quoted identifier of SQL.
func Identifier(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }
