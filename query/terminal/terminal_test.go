package terminal

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sluice/query/output"
	"sluice/query/result"
)

func TestSplit(t *testing.T) {
	for _, tt := range []struct {
		text       string
		statements []string
		rest       string
	}{
		{"", nil, ""},
		{"SELECT 1", nil, "SELECT 1"},
		{"SELECT 1;", []string{"SELECT 1"}, ""},
		{"SELECT 1;\n SELECT 2 ;x", []string{"SELECT 1", "SELECT 2"}, "x"},
		{"SELECT ';', \";\", 'it''s;' -- no; end\n;", []string{"SELECT ';', \";\", 'it''s;' -- no; end"}, ""},
		{"SELECT /* ; */ $$;$$, $a$ ;$$; $a$;", []string{"SELECT /* ; */ $$;$$, $a$ ;$$; $a$"}, ""},
		{"SELECT 'open; ", nil, "SELECT 'open; "},
		{"SELECT /* open; ", nil, "SELECT /* open; "},
		{"-- only a comment;\n", nil, ""},
		{";;  ;", nil, ""},
		{"/* open", nil, "/* open"},
		{"SELECT $1; SELECT 2", []string{"SELECT $1"}, " SELECT 2"},
	} {
		statements, rest := Split(tt.text)
		if !slices.Equal(statements, tt.statements) || rest != tt.rest {
			t.Errorf("%q: %q, %q", tt.text, statements, rest)
		}
	}
}

// A typist types lines; "^C" is Ctrl-C.
type typist struct {
	lines   []string
	prompts []string
}

func (k *typist) SetPrompt(p string) { k.prompts = append(k.prompts, p) }

func (k *typist) ReadLine() (string, error) {
	k.prompts = k.prompts[:len(k.prompts):len(k.prompts)]
	if len(k.lines) == 0 {
		return "", io.EOF
	}
	line := k.lines[0]
	k.lines = k.lines[1:]
	if line == "^C" {
		return "", errDropped
	}
	return line, nil
}

type one struct{ read bool }

func (o *one) Columns() []result.Column { return []result.Column{{Name: "x", Type: "bigint"}} }
func (o *one) Next() bool               { was := o.read; o.read = true; return !was }
func (o *one) Values() []result.Value   { return []result.Value{{Text: "1", Form: result.Literal}} }
func (o *one) Err() error               { return nil }
func (o *one) Stats() result.Stats      { return result.Stats{Rows: 1} }
func (o *one) Close() error             { return nil }

func TestSession(t *testing.T) {
	var asked []string
	var out strings.Builder
	h := openHistory(filepath.Join(t.TempDir(), "history"))
	s := &session{history: h, timing: true, lines: &typist{lines: []string{
		`\?`, "SELECT", "  1 -- one;", ";", "SELECT 2; SELECT 3;", "dropped", "^C", `\timing`, `\format csv`, `\format xml`, `\nope`, "fail;", "", "SELECT 4;", `\q`, "SELECT 5;",
	}}, cfg: Config{Out: &out, Format: output.Table, Query: func(_ context.Context, sql string) (result.Rows, error) {
		asked = append(asked, sql)
		if sql == "fail" {
			return nil, errors.New("no such thing")
		}
		return &one{}, nil
	}}}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"SELECT\n  1 -- one;", "SELECT 2", "SELECT 3", "fail", "SELECT 4"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
	for _, part := range []string{"Ctrl-C drops", " x\n---\n 1\n1 row in 0.0 ms · 0 files scanned · 0 bytes\n", "timing is off", `"xml" is not a format`, `no command \nope`, "error: no such thing", "x\r\n1\r\n"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the output lacks %q:\n%s", part, out.String())
		}
	}
	if strings.Count(out.String(), "1 row in") != 3 {
		t.Errorf("%s", out.String())
	}
	again := openHistory(h.path)
	if want := []string{"SELECT 1;", "SELECT 2;", "SELECT 3;", "fail;", "SELECT 4;"}; !slices.Equal(again.lines, want) || again.At(0) != "SELECT 4;" {
		t.Errorf("history %q", again.lines)
	}
	if info, err := os.Stat(h.path); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info.Mode(), err)
	}
}

// Ctrl-C ends the query that runs, and the prompt goes on; \d and \l ask the catalog.
func TestInterrupt(t *testing.T) {
	var asked []string
	var out strings.Builder
	s := &session{history: openHistory(""), lines: &typist{lines: []string{"SELECT 1;", `\d`, `\d shop.purchases;`, `\l`, `\format parquet`}},
		cfg: Config{Out: &out, Query: func(ctx context.Context, sql string) (result.Rows, error) {
			asked = append(asked, sql)
			if sql != "SELECT 1" {
				return &one{}, nil
			}
			p, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = p.Signal(os.Interrupt)
			}
			if err != nil {
				t.Error(err)
				return &one{}, nil
			}
			<-ctx.Done()
			return nil, errors.New("the query was canceled")
		}}}
	if err := s.run(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := []string{"SELECT 1", "SHOW TABLES", "DESCRIBE shop.purchases", "SHOW DATABASES"}; !slices.Equal(asked, want) {
		t.Errorf("asked %q", asked)
	}
	for _, part := range []string{"\ncanceled\n", "parquet is nothing for a terminal", " x\n---\n 1\n"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("the output lacks %q:\n%s", part, out.String())
		}
	}
}

func TestHistoryIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history")
	h := openHistory(path)
	for i := range 1200 {
		h.remember(strings.Repeat("x", i+1))
		h.remember(strings.Repeat("x", i+1))
	}
	again := openHistory(path)
	if again.Len() != 1000 || len(again.At(0)) != 1201 {
		t.Errorf("%d lines", again.Len())
	}
}

func TestCtrlCKey(t *testing.T) {
	k := &keys{in: strings.NewReader("ab\x03c")}
	text, err := io.ReadAll(struct{ io.Reader }{k})
	if err != nil || string(text) != "ab\x05\x15\rc" || !k.dropped {
		t.Errorf("%q %v %v", text, err, k.dropped)
	}
}

func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		" SELECT\t1,\n'a  b' -- why\n, /* x */\"c  d\"": "SELECT 1, 'a  b' , \"c  d\"",
		"SELECT $$ -- $$": "SELECT $$ -- $$",
		"--":              "",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
