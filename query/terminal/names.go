package terminal

import (
	"context"
	"strings"
	"sync"
	"time"

	"sluice/query/result"
)

// names are those of databases, tables, columns and functions, asked of the service as
// any statement is, and so what the person who asks may see. A listing is asked for
// in the background when it is needed, and kept: whoever waits for it waits no
// longer than patience, and has it the next time.
type names struct {
	query    func(ctx context.Context, sql string) (result.Rows, error)
	patience time.Duration
	now      func() time.Time

	mu    sync.Mutex // guards lists
	lists map[string]*listing
	asked sync.WaitGroup // one a listing that is being asked for
}

// A listing is the first column of an answer.
type listing struct {
	names []string
	since time.Time     // when it was asked for
	came  chan struct{} // closed when it came; nil while it is not asked for
}

// Bounds: a listing is used for listingAge, has maxNames names at most, and maxListings
// are kept.
const (
	listingAge   = 30 * time.Second
	listingTime  = 10 * time.Second // that it may take
	maxNames     = 20_000
	maxListings  = 500
	namePatience = 300 * time.Millisecond
)

func newNames(query func(ctx context.Context, sql string) (result.Rows, error)) *names {
	return &names{query: query, patience: namePatience, now: time.Now, lists: make(map[string]*listing)}
}

// forget has everything asked for anew, after a statement that changed it.
func (n *names) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, l := range n.lists {
		l.since = time.Time{}
	}
}

// list is a statement's listing, or what is known of it.
func (n *names) list(sql string) []string {
	n.mu.Lock()
	l := n.lists[sql]
	if l == nil {
		if len(n.lists) >= maxListings {
			clear(n.lists)
		}
		l = &listing{}
		n.lists[sql] = l
	}
	if l.came == nil && n.now().Sub(l.since) > listingAge {
		l.came, l.since = make(chan struct{}), n.now()
		n.asked.Go(func() { n.ask(sql, l) })
	}
	came, known := l.came, l.names
	n.mu.Unlock()
	if came == nil {
		return known
	}
	patience := time.NewTimer(n.patience)
	defer patience.Stop()
	select {
	case <-came:
	case <-patience.C:
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return l.names
}

// ask fills a listing. One that fails keeps what it had.
func (n *names) ask(sql string, l *listing) {
	ctx, cancel := context.WithTimeout(context.Background(), listingTime)
	defer cancel()
	var all []string
	rows, err := n.query(ctx, sql)
	if err == nil {
		for len(all) < maxNames && rows.Next() {
			if v := rows.Values(); len(v) > 0 {
				all = append(all, v[0].Text)
			}
		}
		err = rows.Err()
		rows.Close()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err == nil {
		l.names = all
	}
	close(l.came)
	l.came = nil
}

// tablesAt are the tables and databases that can follow the names in path; common
// are those of WITH.
func (n *names) tablesAt(path, common []string) []suggestion {
	var out []suggestion
	add := func(names []string, after string) {
		for _, name := range names {
			out = append(out, suggestion{text: identifier(name), after: after})
		}
	}
	part := len(path) > 0 && (path[0] == "lake" || path[0] == "live" || path[0] == "awsdatacatalog")
	switch {
	case len(path) == 0:
		add(n.list("SHOW TABLES"), "")
		add(common, "")
		add(n.list("SHOW DATABASES"), ".")
		add([]string{"lake", "live"}, ".")
	case part && len(path) == 1:
		add(n.list("SHOW DATABASES"), ".")
	case len(path) == 1 || part && len(path) == 2:
		add(n.list("SHOW TABLES IN "+quoted(path[len(path)-1])), "")
	}
	return out
}

// columns are those of a table.
func (n *names) columns(path []string) []string {
	parts := make([]string, len(path))
	for i, p := range path {
		parts[i] = quoted(p)
	}
	return n.list("DESCRIBE " + strings.Join(parts, "."))
}

func (n *names) functions() []string { return n.list("SHOW FUNCTIONS") }

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
