package query

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"

	"sluice/query/executor"
	"sluice/query/presto"
)

// A caller's prepared statements are bounded by number, as a workgroup of Athena's
// is, and by their bytes together.
const (
	maxPrepared      = 1000
	maxPreparedBytes = 8 << 20
)

// prepared are the statements that PREPARE keeps: for each asker (Request.Who) its
// own, in memory, until DEALLOCATE PREPARE or the end of the engine.
type prepared struct {
	mu    sync.Mutex // guards what is below
	byWho map[string]*preparedSet
}

type preparedSet struct {
	statements map[string]string // by name, in lower case
	bytes      int
}

// put keeps a statement, in the place of one of the same name.
func (p *prepared) put(who, name, sql string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := p.byWho[who]
	if set == nil {
		set = &preparedSet{statements: make(map[string]string)}
		if p.byWho == nil {
			p.byWho = make(map[string]*preparedSet)
		}
		p.byWho[who] = set
	}
	old, known := set.statements[name]
	grown := set.bytes - len(old) + len(sql)
	if !known {
		grown += len(name)
	}
	if !known && len(set.statements) >= maxPrepared || grown > maxPreparedBytes {
		return fault(CodeLimit, "there are %d prepared statements with %d bytes; at most %d with %d bytes are kept. DEALLOCATE PREPARE name forgets one", len(set.statements), set.bytes, maxPrepared, maxPreparedBytes)
	}
	set.statements[name], set.bytes = sql, grown
	return nil
}

// get is a statement; drop forgets it too.
func (p *prepared) get(who, name string, drop bool) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set := p.byWho[who]
	if set == nil {
		set = &preparedSet{}
	}
	sql, ok := set.statements[name]
	if !ok {
		return "", fault(CodeNotFound, "there is no prepared statement %s%s; PREPARE %s FROM … makes one, and a restart of the service forgets them", name, suggest(name, slices.Sorted(maps.Keys(set.statements))), name)
	}
	if drop {
		delete(set.statements, name)
		set.bytes -= len(name) + len(sql)
	}
	return sql, nil
}

// unprepare does PREPARE and DEALLOCATE, which answer themselves, and makes EXECUTE
// the statement that it names or quotes, with its parameters.
func (e *Engine) unprepare(ctx context.Context, req *Request) (src source, answered bool, err error) {
	c := &preparing{engine: e, req: req, tokens: presto.Tokens(strings.TrimRight(req.SQL, "; \t\r\n"))}
	switch {
	case c.is(0, "PREPARE"):
		return done(), true, c.prepare(ctx)
	case c.is(0, "DEALLOCATE"):
		return done(), true, c.deallocate()
	case c.is(0, "EXECUTE"):
		return nil, false, c.execute()
	case c.is(0, "DESCRIBE") && c.is(1, "INPUT", "OUTPUT") && len(c.tokens) == 3:
		return nil, true, fault(CodeInvalid, "DESCRIBE %s of a prepared statement is not supported; the answer of EXECUTE has its columns' names and types", strings.ToUpper(c.tokens[1].Raw()))
	}
	return nil, false, nil
}

// preparing is a statement about prepared ones.
type preparing struct {
	engine *Engine
	req    *Request
	tokens []presto.Token
}

func (c *preparing) is(i int, words ...string) bool {
	return i < len(c.tokens) && c.tokens[i].Is(words...)
}

// name is the name at i.
func (c *preparing) name(i int, usage string) (string, error) {
	if i < len(c.tokens) {
		if name, ok := c.tokens[i].Name(); ok {
			return name, nil
		}
	}
	return "", fault(CodeSyntax, "%s", usage)
}

func (c *preparing) prepare(ctx context.Context) error {
	const usage = "PREPARE takes a name and a statement, as in PREPARE recent FROM SELECT * FROM t WHERE dt = ?"
	name, err := c.name(1, usage)
	if err != nil {
		return err
	}
	if !c.is(2, "FROM") || len(c.tokens) < 4 {
		return fault(CodeSyntax, usage)
	}
	if c.is(3, "PREPARE", "EXECUTE", "DEALLOCATE") {
		return fault(CodeInvalid, "%s cannot be prepared", strings.ToUpper(c.tokens[3].Raw()))
	}
	from, _ := c.tokens[3].Span()
	_, to := c.tokens[len(c.tokens)-1].Span()
	sql := c.req.SQL[from:to]
	if c.is(3, "SELECT", "WITH", "(", "VALUES") {
		if err := c.check(ctx, sql, from); err != nil {
			return err
		}
	}
	return c.engine.prepared.put(c.req.Who, name, sql)
}

// check says what is wrong with the syntax of a query that begins at from.
func (c *preparing) check(ctx context.Context, sql string, from int) error {
	var nulls []string
	for _, t := range presto.Tokens(sql) {
		if t.Is("?") {
			nulls = append(nulls, "NULL")
		}
	}
	front, err := presto.Front(sql, nulls)
	var refusal *presto.Error
	if errors.As(err, &refusal) && refusal.Position >= 0 {
		return &presto.Error{Message: refusal.Message, Position: from + refusal.Position}
	} else if err != nil {
		return err
	}
	text, _ := unreserve(front.SQL)
	_, err = c.engine.exec.Parse(ctx, text)
	var bad *executor.Error
	if errors.As(err, &bad) && bad.Position >= 0 {
		return &executor.Error{Kind: bad.Kind, Message: bad.Message, Position: from + front.Original(bad.Position)}
	}
	return err
}

func (c *preparing) deallocate() error {
	const usage = "DEALLOCATE takes PREPARE and a name, as in DEALLOCATE PREPARE recent"
	name, err := c.name(2, usage)
	if err != nil {
		return err
	}
	if !c.is(1, "PREPARE") || len(c.tokens) != 3 {
		return fault(CodeSyntax, usage)
	}
	_, err = c.engine.prepared.get(c.req.Who, name, true)
	return err
}

// execute is EXECUTE name, or EXECUTE IMMEDIATE '…', and USING a, b.
func (c *preparing) execute() error {
	const usage = "EXECUTE takes the name of a prepared statement, or IMMEDIATE and a text, and USING and its parameters, as in EXECUTE recent USING '2026-01-31', 5"
	var sql string
	next := 2
	if text, ok := c.text(2); c.is(1, "IMMEDIATE") && ok {
		sql, next = text, 3
	} else {
		name, err := c.name(1, usage)
		if err != nil {
			return err
		}
		if sql, err = c.engine.prepared.get(c.req.Who, name, false); err != nil {
			return err
		}
	}
	rest := c.tokens[min(next, len(c.tokens)):]
	if len(rest) > 0 && (!rest[0].Is("USING") || len(rest) == 1) {
		return fault(CodeSyntax, usage)
	}
	if len(c.req.Parameters) > 0 {
		if len(rest) > 0 {
			return fault(CodeInvalid, "parameters stand either behind USING or in the request")
		}
	} else if len(rest) > 0 {
		c.req.Parameters = c.parameters(rest[1:])
	}
	c.req.SQL = sql
	return nil
}

func (c *preparing) text(i int) (string, bool) {
	if i >= len(c.tokens) {
		return "", false
	}
	return c.tokens[i].Text()
}

// parameters cuts at the commas that are in no brackets.
func (c *preparing) parameters(ts []presto.Token) []string {
	var out []string
	depth, from := 0, 0
	add := func(to int) {
		if from < to {
			first, _ := ts[from].Span()
			_, last := ts[to-1].Span()
			out = append(out, c.req.SQL[first:last])
		} else {
			out = append(out, "")
		}
		from = to + 1
	}
	for i, t := range ts {
		switch {
		case t.Is("(", "["):
			depth++
		case t.Is(")", "]"):
			depth--
		case t.Is(",") && depth == 0:
			add(i)
		}
	}
	add(len(ts))
	return out
}
