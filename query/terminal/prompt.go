package terminal

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"golang.org/x/term"

	"sluice/query/output"
	"sluice/query/result"
)

// A Config is what the prompt needs.
type Config struct {
	In  *os.File // a terminal
	Out io.Writer
	// Query runs a statement.
	Query func(ctx context.Context, sql string) (result.Rows, error)
	// HistoryFile keeps the statements typed; empty: none.
	HistoryFile string
	Format      output.Format // empty: table
}

const (
	promptNew  = "sluice> "
	promptMore = "     -> "
	help       = `Statements end with a semicolon.
  \q            quit (or Ctrl-D)
  \d            the tables
  \d TABLE      the table's columns
  \l            the databases
  \timing       switch the line on time and cost on or off
  \format NAME  table, csv, json or ndjson
  \?            this help
Ctrl-C drops what is being typed, or cancels the query that runs.
`
)

// A lineReader reads lines that a person types.
type lineReader interface {
	ReadLine() (string, error)
	SetPrompt(prompt string)
}

// errDropped says that the line was dropped with Ctrl-C.
var errDropped = errors.New("dropped")

// Run prompts until Ctrl-D, \q or the end of ctx.
func Run(ctx context.Context, cfg Config) error {
	h := openHistory(cfg.HistoryFile)
	s := &session{cfg: cfg, history: h, lines: newKeyboard(cfg, h), timing: true}
	fmt.Fprint(cfg.Out, "Type SQL, or \\? for help.\n")
	err := s.run(ctx)
	if saved := h.save(); err == nil {
		err = saved
	}
	return err
}

// A session is a prompt at work.
type session struct {
	cfg     Config
	history *history
	lines   lineReader
	timing  bool
}

func (s *session) run(ctx context.Context) error {
	var typed string
	for ctx.Err() == nil {
		s.lines.SetPrompt(promptNew)
		if typed != "" {
			s.lines.SetPrompt(promptMore)
		}
		line, err := s.lines.ReadLine()
		switch {
		case errors.Is(err, errDropped):
			typed = ""
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.cfg.Out)
			return nil
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return fmt.Errorf("read line: %w", err)
		}
		if typed == "" {
			if done, handled := s.command(ctx, strings.TrimSpace(line)); done {
				return nil
			} else if handled {
				continue
			}
		}
		var statements []string
		statements, typed = Split(typed + line + "\n")
		if strings.TrimSpace(typed) == "" {
			typed = ""
		}
		for _, sql := range statements {
			s.history.remember(sql)
			s.execute(ctx, sql)
		}
	}
	return nil
}

// command does what is not SQL.
func (s *session) command(ctx context.Context, line string) (done, handled bool) {
	word, rest, _ := strings.Cut(line, " ")
	switch strings.ToLower(strings.TrimSuffix(word, ";")) {
	case `\q`, "quit", "exit":
		return true, true
	case `\d`:
		if table := strings.TrimSuffix(strings.TrimSpace(rest), ";"); table != "" {
			s.execute(ctx, "DESCRIBE "+table)
		} else {
			s.execute(ctx, "SHOW TABLES")
		}
	case `\l`:
		s.execute(ctx, "SHOW DATABASES")
	case `\timing`:
		s.timing = !s.timing
		fmt.Fprintf(s.cfg.Out, "timing is %s\n", map[bool]string{true: "on", false: "off"}[s.timing])
	case `\format`:
		f, err := output.ParseFormat(strings.TrimSpace(rest))
		if err != nil {
			fmt.Fprintln(s.cfg.Out, err)
		} else {
			s.cfg.Format = f
		}
		if f.Binary() {
			s.cfg.Format = output.Table
			fmt.Fprintf(s.cfg.Out, "%s is nothing for a terminal\n", f)
		}
	case `\?`, `\h`, `\help`, "help":
		fmt.Fprint(s.cfg.Out, help)
	default:
		if strings.HasPrefix(line, `\`) {
			fmt.Fprintf(s.cfg.Out, "there is no command %s; \\? lists those there are\n", word)
			return false, true
		}
		return false, false
	}
	return false, true
}

// execute runs a statement; Ctrl-C cancels it.
func (s *session) execute(ctx context.Context, sql string) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	rows, err := s.cfg.Query(ctx, sql)
	if err == nil {
		defer rows.Close()
		format := s.cfg.Format
		if format == "" {
			format = output.Table
		}
		err = output.Write(s.cfg.Out, format, rows)
		if err == nil {
			err = result.Commit(ctx, rows)
		}
	}
	if err != nil {
		fmt.Fprintf(s.cfg.Out, "error: %v\n", err)
		return
	}
	if s.timing {
		fmt.Fprintf(s.cfg.Out, "%s\n\n", output.Footer(rows.Stats()))
	}
}

// A keyboard is a terminal that is raw only while a line is typed, so that
// Ctrl-C is a signal while a query runs.
type keyboard struct {
	in   *os.File
	keys *keys
	term *term.Terminal
}

func newKeyboard(cfg Config, h *history) *keyboard {
	k := &keyboard{in: cfg.In, keys: &keys{in: cfg.In}}
	k.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k.keys, cfg.Out}, promptNew)
	k.term.History = h
	return k
}

func (k *keyboard) SetPrompt(prompt string) { k.term.SetPrompt(prompt) }

func (k *keyboard) ReadLine() (string, error) {
	state, err := term.MakeRaw(int(k.in.Fd()))
	if err != nil {
		return "", err
	}
	defer term.Restore(int(k.in.Fd()), state)
	if w, h, err := term.GetSize(int(k.in.Fd())); err == nil && w > 0 {
		k.term.SetSize(w, h)
	}
	k.term.SetBracketedPasteMode(true)
	defer k.term.SetBracketedPasteMode(false)
	k.keys.dropped = false
	line, err := k.term.ReadLine()
	if k.keys.dropped {
		return "", errDropped
	}
	return line, err
}

// keys turns Ctrl-C, which the terminal would take for the end, into: go to the
// line's end, delete it, Enter.
type keys struct {
	in      io.Reader
	dropped bool
}

func (k *keys) Read(p []byte) (int, error) {
	const ctrlC, ctrlE, ctrlU = 3, 5, 21
	if len(p) < 3 {
		return k.in.Read(p)
	}
	n, err := k.in.Read(p[:1])
	if n == 1 && p[0] == ctrlC {
		k.dropped = true
		return copy(p, []byte{ctrlE, ctrlU, '\r'}), err
	}
	return n, err
}
