package terminal

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"sluice/query/result"
)

// A service has the answers to statements that list names.
type service struct {
	mu      sync.Mutex
	answers map[string][]string
	asked   []string
	wait    time.Duration
}

type lines struct {
	names []string
	at    int
}

func (l *lines) Columns() []result.Column { return []result.Column{{Name: "x", Type: "varchar"}} }
func (l *lines) Next() bool               { l.at++; return l.at <= len(l.names) }
func (l *lines) Values() []result.Value {
	return []result.Value{{Text: l.names[l.at-1], Form: result.String}}
}
func (l *lines) Err() error          { return nil }
func (l *lines) Stats() result.Stats { return result.Stats{} }
func (l *lines) Close() error        { return nil }

func (s *service) query(ctx context.Context, sql string) (result.Rows, error) {
	select {
	case <-time.After(s.wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, sql)
	names, ok := s.answers[sql]
	if !ok {
		return nil, errors.New("there is no such thing")
	}
	return &lines{names: names}, nil
}

func newService() *service {
	return &service{answers: map[string][]string{
		"SHOW TABLES":                               {"purchases", "purchase_items", "Odd Name", "select"},
		"SHOW DATABASES":                            {"default", "shop"},
		`SHOW TABLES IN "shop"`:                     {"orders", "order_lines"},
		`DESCRIBE "purchases"`:                      {"book_id", "price", "user_id", "dt"},
		`DESCRIBE "shop"."orders"`:                  {"order_id", "price", "from"},
		`DESCRIBE "live"."shop"."orders"`:           {"order_id", "price", "from"},
		"SHOW FUNCTIONS":                            {"json_extract", "json_extract_scalar", "count"},
		`DESCRIBE "purchase_items"`:                 {"book_id", "n"},
		`DESCRIBE "awsdatacatalog"."shop"."orders"`: {"order_id"},
	}}
}

func TestComplete(t *testing.T) {
	for _, tt := range []struct {
		typed, line string // | is the cursor
		want        string // the line afterwards, or the choices behind =
	}{
		{"", "SEL|", "SELECT |"}, {"", "sel|", "select |"}, {"", "SELECT x FR|", "SELECT x FROM |"}, {"", "qqq|", "qqq|"},
		{"", "SELECT * FROM pu|", "SELECT * FROM purchase|"}, {"", "SELECT * FROM purchase|", "= purchase_items purchases"}, {"", "select * from purchases p, purchase_|", "select * from purchases p, purchase_items|"},
		{"", "SELECT * FROM sh|", "SELECT * FROM shop.|"}, {"", "SELECT * FROM shop.|", "SELECT * FROM shop.order|"}, {"", "SELECT * FROM shop.orders|", "SELECT * FROM shop.orders|"}, {"", "SELECT * FROM shop.order_|", "SELECT * FROM shop.order_lines|"},
		{"", "SELECT * FROM live.|", "= default shop"}, {"", "SELECT * FROM live.shop.order_|", "SELECT * FROM live.shop.order_lines|"}, {"", "SELECT * FROM shop.nope.|", "SELECT * FROM shop.nope.|"},
		{"", `SELECT * FROM "O|`, `SELECT * FROM "Odd Name"|`}, {"", `SELECT * FROM "se|`, `SELECT * FROM "select"|`}, {"", "JOIN pur|", "JOIN purchase|"}, {"", "INSERT INTO purchases|", "INSERT INTO purchases|"}, {"", "DESCRIBE purchases|", "DESCRIBE purchases|"},
		{"", "SELECT pri| FROM purchases", "SELECT price| FROM purchases"}, {"SELECT *\nFROM purchases\n", "WHERE user|", "WHERE user_id|"}, {"", "SELECT book| FROM purchases, purchase_items", "SELECT book_id| FROM purchases, purchase_items"},
		{"", "SELECT p.| FROM purchases p", "= book_id dt price user_id"}, {"", "SELECT p.u| FROM purchases AS p JOIN shop.orders o ON true", "SELECT p.user_id| FROM purchases AS p JOIN shop.orders o ON true"}, {"", "SELECT o.f| FROM purchases AS p JOIN live.shop.orders o ON true", `SELECT o.f| FROM purchases AS p JOIN live.shop.orders o ON true`},
		{"", `SELECT o."f| FROM purchases AS p JOIN shop.orders o ON true`, `SELECT o."from"| FROM purchases AS p JOIN shop.orders o ON true`}, {"", "SELECT shop.orders.pri| FROM shop.orders", "SELECT shop.orders.pri| FROM shop.orders"}, {"", "SELECT shop.orders.ord| FROM shop.orders", "SELECT shop.orders.order_id| FROM shop.orders"},
		{"", "SELECT z.| FROM purchases p", "SELECT z.| FROM purchases p"}, {"", "SELECT json_extract_|", "SELECT json_extract_scalar(|"}, {"", "SELECT * FROM purchases WHERE dt = '2026-01-01' AND pri|", "SELECT * FROM purchases WHERE dt = '2026-01-01' AND price|"},
		{"", "SELECT 'sel|", "SELECT 'sel|"}, {"", "SELECT 1 -- sel|", "SELECT 1 -- sel|"}, {"", "SELECT 1 /* sel|", "SELECT 1 /* sel|"}, {"WITH recent AS (SELECT 1)\n", "SELECT * FROM rec|", "SELECT * FROM recent|"},
		{"", `\f|`, `\format |`}, {"", `\format nd|`, `\format ndjson|`}, {"", `\d pur|`, `\d purchase|`}, {"", `\d shop.order_|`, `\d shop.order_lines|`}, {"", `\pager |`, `\pager o|`},
		{"", "SELECT count(*) FROM purchases GROUP BY boo|", "SELECT count(*) FROM purchases GROUP BY book_id|"}, {"", "SELECT a FROM (SELECT * FROM purch| ) x", "SELECT a FROM (SELECT * FROM purchase| ) x"},
	} {
		s := newService()
		if strings.HasPrefix(tt.line, "SELECT shop.orders.pri") {
			s.answers[`DESCRIBE "shop"."orders"`] = []string{"order_id"}
		}
		c := &completer{names: newNames(s.query), typed: func() string { return tt.typed }}
		c.names.patience = time.Hour
		head, tail, _ := strings.Cut(tt.line, "|")
		line, pos, choices := c.complete(head+tail, len(head))
		got := line[:pos] + "|" + line[pos:]
		if len(choices) > 0 {
			got = "= " + strings.Join(choices, " ")
		}
		if got != tt.want {
			t.Errorf("%s%s\n got %s\nwant %s", tt.typed, tt.line, got, tt.want)
		}
	}
}

// Whoever types waits no longer than patience; what comes later is there the next time.
func TestNamesDoNotBlock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newService()
		s.wait = 2 * time.Second
		n := newNames(s.query)
		began := time.Now()
		if got := n.list("SHOW TABLES"); got != nil {
			t.Errorf("%q", got)
		}
		if d := time.Since(began); d != namePatience {
			t.Errorf("waited %v", d)
		}
		time.Sleep(s.wait)
		if got := n.list("SHOW TABLES"); len(got) != 4 {
			t.Errorf("%q", got)
		}
		time.Sleep(listingAge)
		s.answers["SHOW TABLES"] = nil
		if got := n.list("SHOW TABLES"); len(got) != 4 { // the old one, while it is asked for anew
			t.Errorf("%q", got)
		}
		time.Sleep(s.wait)
		if got := n.list("SHOW TABLES"); len(got) != 0 {
			t.Errorf("%q", got)
		}
		n.list("SHOW NOTHING") // fails
		n.forget()
		n.list("SHOW TABLES")
		n.asked.Wait()
		if want := []string{"SHOW TABLES", "SHOW TABLES", "SHOW NOTHING", "SHOW TABLES"}; !slices.Equal(s.asked, want) {
			t.Errorf("asked %q", s.asked)
		}
	})
}

func FuzzComplete(f *testing.F) {
	f.Add("SELECT p. FROM purchases p", 9, "")
	f.Add("\"", 1, "SELECT 'x")
	f.Add("FROM a.b.", 9, "WITH a AS (")
	f.Add(`\d "`, 4, "")
	f.Fuzz(func(t *testing.T, line string, pos int, typed string) {
		if pos < 0 || pos > len(line) {
			return
		}
		s := newService()
		c := &completer{names: newNames(s.query), typed: func() string { return typed }}
		c.names.patience = time.Hour
		out, at, _ := c.complete(line, pos)
		if at < 0 || at > len(out) || !strings.HasSuffix(out, line[pos:]) && at != len(out) && !strings.HasPrefix(line[pos:], out[at-1:at]) {
			t.Errorf("%q at %d: %q at %d", line, pos, out, at)
		}
	})
}

func TestInColumns(t *testing.T) {
	if got, want := inColumns([]string{"a", "bb", "c", "d", "e"}, 20, 24), "a   bb  c   d   e\n"; got != want {
		t.Errorf("%q", got)
	}
	many := strings.Fields(strings.Repeat("abcdefgh ", 100))
	if got := inColumns(many, 20, 10); strings.Count(got, "\n") != 6 || !strings.HasSuffix(got, "… and 90 more\n") {
		t.Errorf("%q", got)
	}
}
