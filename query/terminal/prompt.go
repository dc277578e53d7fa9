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
	// Pager is a command, for the shell, that gets answers which are longer than the
	// screen; empty: none.
	Pager string
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
  \pager        switch the pager for long answers on or off
  \?            this help
Tab completes names and keywords, and shows what there is to choose from.
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
	s := &session{cfg: cfg, history: h, timing: true, paging: cfg.Pager != "", names: newNames(cfg.Query)}
	k := newKeyboard(cfg, h, &completer{names: s.names, typed: func() string { return s.typed }})
	s.lines, s.size = k, k.size
	fmt.Fprint(cfg.Out, "Type SQL, or \\? for help.\n")
	if err := h.trim(); err != nil {
		fmt.Fprintln(cfg.Out, "warning:", err)
	}
	return s.run(ctx)
}

// A session is a prompt at work.
type session struct {
	cfg     Config
	history *history
	lines   lineReader
	timing  bool
	paging  bool
	warned  bool   // that the history cannot be kept
	typed   string // the lines of a statement that is not ended yet
	names   *names // nil: nothing is completed
	size    func() (width, height int)
}

func (s *session) run(ctx context.Context) error {
	for ctx.Err() == nil {
		s.lines.SetPrompt(promptNew)
		if s.typed != "" {
			s.lines.SetPrompt(promptMore)
		}
		line, err := s.lines.ReadLine()
		switch {
		case errors.Is(err, errDropped):
			s.typed = ""
			continue
		case errors.Is(err, io.EOF):
			fmt.Fprintln(s.cfg.Out)
			return nil
		case err != nil && !errors.Is(err, term.ErrPasteIndicator):
			return fmt.Errorf("read line: %w", err)
		}
		if s.typed == "" {
			if done, handled := s.command(ctx, strings.TrimSpace(line)); done {
				return nil
			} else if handled {
				continue
			}
		}
		var statements []string
		statements, s.typed = Split(s.typed + line + "\n")
		if strings.TrimSpace(s.typed) == "" {
			s.typed = ""
		}
		for _, sql := range statements {
			if err := s.history.remember(sql); err != nil && !s.warned {
				s.warned = true
				fmt.Fprintln(s.cfg.Out, "warning:", err)
			}
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
		s.toggle("timing", &s.timing, rest)
	case `\pager`:
		if s.cfg.Pager == "" {
			fmt.Fprintln(s.cfg.Out, "there is no pager: PAGER names one, such as less -S")
			break
		}
		s.toggle("pager", &s.paging, rest)
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

// toggle switches something on or off.
func (s *session) toggle(name string, what *bool, to string) {
	switch strings.ToLower(strings.Trim(to, "; ")) {
	case "on":
		*what = true
	case "off":
		*what = false
	default:
		*what = !*what
	}
	fmt.Fprintf(s.cfg.Out, "%s is %s\n", name, map[bool]string{true: "on", false: "off"}[*what])
}

// execute runs a statement; Ctrl-C cancels it.
func (s *session) execute(ctx context.Context, sql string) {
	around := ctx
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt)
	defer stop()
	rows, err := s.cfg.Query(ctx, sql)
	if err == nil {
		defer rows.Close()
		format := s.cfg.Format
		if format == "" {
			format = output.Table
		}
		pages := s.pager()
		err = output.Write(pages, format, rows)
		if closed := pages.Close(); err == nil {
			err = closed
		}
		if errors.Is(err, errLeft) {
			return // what is left of the answer is of no interest, nor what it costs
		}
		if err == nil {
			err = result.Commit(ctx, rows)
		}
	}
	if s.names != nil && changes(sql) {
		s.names.forget()
	}
	if err != nil && ctx.Err() != nil && around.Err() == nil {
		fmt.Fprint(s.cfg.Out, "\ncanceled\n")
		return
	}
	if err != nil {
		fmt.Fprintf(s.cfg.Out, "error: %v\n", err)
		return
	}
	if s.timing {
		fmt.Fprintf(s.cfg.Out, "%s\n\n", output.Footer(rows.Stats()))
	}
}

// pager takes an answer.
func (s *session) pager() *pager {
	p := &pager{screen: s.cfg.Out}
	if s.paging && s.size != nil {
		if p.width, p.height = s.size(); p.height > 0 {
			p.command = s.cfg.Pager
		}
	}
	return p
}

// changes reports whether a statement may change which names there are.
func changes(sql string) bool {
	word, _, _ := strings.Cut(strings.TrimSpace(sql), " ")
	switch strings.ToUpper(word) {
	case "CREATE", "DROP", "ALTER", "INSERT", "MSCK":
		return true
	}
	return false
}

// A keyboard is a terminal that is raw only while a line is typed, so that
// Ctrl-C is a signal while a query runs.
type keyboard struct {
	in   *os.File
	keys *keys
	term *term.Terminal
}

func newKeyboard(cfg Config, h *history, c *completer) *keyboard {
	k := &keyboard{in: cfg.In, keys: &keys{in: cfg.In}}
	k.term = term.NewTerminal(struct {
		io.Reader
		io.Writer
	}{k.keys, cfg.Out}, promptNew)
	k.term.History = h
	k.term.AutoCompleteCallback = func(line string, pos int, key rune) (string, int, bool) {
		if key != '\t' {
			return "", 0, false
		}
		line, pos, choices := c.complete(line, pos)
		if len(choices) > 0 {
			width, height := k.size()
			k.term.Write([]byte(inColumns(choices, width, height)))
		}
		return line, pos, true
	}
	return k
}

// size is that of the terminal.
func (k *keyboard) size() (width, height int) {
	width, height, err := term.GetSize(int(k.in.Fd()))
	if err != nil {
		return 0, 0
	}
	return width, height
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
