package query

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"sluice/internal/lake"
	"sluice/query/checkpoint"
	"sluice/query/result"
	"sluice/query/statement"
	"sluice/query/write"
)

// begin begins the run of the request's checkpoint, if it names one. It comes
// before the queue: who waits for another run of the name holds up nobody else.
func (e *Engine) begin(ctx context.Context, req Request, r *Rows) error {
	if req.Checkpoint == "" {
		if req.Replay {
			return fault(CodeInvalid, "a replay is of a checkpoint, and none is named")
		}
		return nil
	}
	if e.cfg.Checkpoints == nil {
		return fault(CodeInvalid, "there are no checkpoints here: this engine reads no buffer")
	}
	if !readsRows(req.SQL) {
		return nil
	}
	if err := e.unpledge(ctx, req.Checkpoint); err != nil {
		return err
	}
	run, err := e.cfg.Checkpoints.Begin(ctx, req.Checkpoint, req.Replay)
	if err != nil {
		return err
	}
	r.run = run
	if !allVisible(run.Tables(), req.Visible) {
		return fault(CodeForbidden, "the checkpoint %s is somebody else's: choose another name", req.Checkpoint)
	}
	return nil
}

// unpledge brings to an end what a statement left that wrote with the checkpoint and was
// interrupted: until then it is not known where the checkpoint is. A statement that is at
// work is waited for by Begin.
func (e *Engine) unpledge(ctx context.Context, name string) error {
	if !e.cfg.Checkpoints.Pledged(name) {
		return nil
	}
	if err := e.Sweep(ctx); err != nil && e.cfg.Checkpoints.Pledged(name) {
		return &Error{Code: CodeBusy, Message: fmt.Sprintf("a statement that wrote with the checkpoint %s was interrupted, and is not brought to an end yet; it is tried again with the next query of the checkpoint: %v", name, err), cause: err}
	}
	return nil
}

// readsRows reports whether an answer is made of tables' rows: not that of a
// statement about the catalog or about another statement, which leaves every
// checkpoint where it is.
func readsRows(sql string) bool {
	if s, ok, err := write.Parse(sql); ok || err != nil {
		return ok && s.Kind != write.CreateView && s.Kind != write.DropView
	}
	words := tokens(sql)
	return len(words) > 0 && !slices.Contains([]string{"SHOW", "DESCRIBE", "DESC", "EXPLAIN"}, strings.ToUpper(words[0]))
}

// allVisible reports whether the asker may see all of the tables.
func allVisible(tables []string, visible func(database string) bool) bool {
	return visible == nil || !slices.ContainsFunc(tables, func(t string) bool {
		database, _, _ := strings.Cut(t, ".")
		return !visible(database)
	})
}

// plot fixes the range of a checkpointed run and takes the snapshot that belongs to
// it: see package checkpoint for why in this order.
func (p *plan) plot(ctx context.Context, stmt *statement.Statement) (*snapshot, error) {
	var tables []lake.TableName
	for _, t := range stmt.Tables {
		name, part, err := resolve(t.Parts, p.database)
		if err != nil {
			return nil, p.at(err, t)
		}
		if part != everything {
			return nil, fault(CodeInvalid, "a checkpoint is of whole tables: name %s without live or lake", name)
		}
		if !slices.Contains(tables, name) {
			tables = append(tables, name)
		}
	}
	e := p.engine
	if !p.rows.replay && e.cfg.Buffer != nil {
		if err := e.sealFor(ctx, tables); err != nil {
			return nil, err
		}
	}
	var snap *snapshot
	err := p.rows.run.Plan(ctx, tables, func() (sealed []lake.BatchID, err error) {
		if snap, err = e.snapshot(p.visible); err != nil {
			return nil, err
		}
		for _, held := range snap.held {
			for _, b := range held.Batches {
				if b.Sealed {
					sealed = append(sealed, b.ID)
				}
			}
		}
		return sealed, nil
	})
	if err != nil && snap != nil {
		snap.close()
	}
	return snap, err
}

// sealFor seals the open batches that go to one of the tables.
func (e *Engine) sealFor(ctx context.Context, tables []lake.TableName) error {
	for _, state := range e.cfg.Buffer.Streams() {
		if state.OpenBatches == 0 {
			continue
		}
		name, err := tableOf(state.Name, e.cfg.Stream(state.Name), e.cfg.Database)
		if err != nil {
			return err
		}
		if !slices.Contains(tables, name) {
			continue
		}
		if err := e.cfg.Buffer.Seal(ctx, state.Name); err != nil {
			return fmt.Errorf("seal what is buffered of %s, which a checkpoint needs: %w", state.Name, err)
		}
	}
	return nil
}

// checkpointCommand answers SHOW CHECKPOINTS, DROP CHECKPOINT name, and COMMIT or
// ABANDON CHECKPOINT name token; ok is false for every other statement.
func (e *Engine) checkpointCommand(ctx context.Context, req Request) (src *fixed, ok bool, err error) {
	words := tokens(req.SQL)
	if len(words) < 2 {
		return nil, false, nil
	}
	verb, noun := strings.ToUpper(words[0]), strings.ToUpper(words[1])
	switch {
	case verb == "SHOW" && noun == "CHECKPOINTS" && len(words) == 2:
	case (verb == "DROP" || verb == "COMMIT" || verb == "ABANDON") && noun == "CHECKPOINT":
	default:
		return nil, false, nil
	}
	book := e.cfg.Checkpoints
	if book == nil {
		return nil, true, fault(CodeInvalid, "there are no checkpoints here: this engine reads no buffer")
	}
	if verb == "SHOW" {
		return showCheckpoints(book.List(), req.Visible), true, nil
	}
	// A name can hold full stops, which are words of their own.
	rest, token := words[2:], ""
	if verb != "DROP" && len(rest) > 0 {
		rest, token = rest[:len(rest)-1], rest[len(rest)-1]
	}
	name := strings.Join(rest, "")
	if unquoted, quoted := unquote(name); quoted {
		name = unquoted
	}
	hidden := slices.ContainsFunc(book.List(), func(s checkpoint.State) bool {
		return s.Name == name && !allVisible(tablesOf(s), req.Visible)
	})
	switch {
	case name == "":
		err = fault(CodeSyntax, "there is DROP CHECKPOINT name, and COMMIT and ABANDON CHECKPOINT with a name and the token of the run")
	case hidden:
		err = fmt.Errorf("%w: %s", checkpoint.ErrNotFound, name)
	case verb == "DROP":
		if err = e.unpledge(ctx, name); err == nil {
			err = book.Drop(name)
		}
	case verb == "ABANDON":
		err = book.Revoke(name, token)
	default:
		err = book.Confirm(name, token)
	}
	return &fixed{columns: column("checkpoint"), rows: lines([]string{name})}, true, err
}

func tablesOf(s checkpoint.State) (tables []string) {
	for t := range s.Tables {
		tables = append(tables, t)
	}
	slices.Sort(tables)
	return tables
}

// showCheckpoints has a row for each table of each checkpoint.
func showCheckpoints(list []checkpoint.State, visible func(database string) bool) *fixed {
	f := &fixed{columns: []result.Column{
		{Name: "checkpoint", Type: "varchar"}, {Name: "run", Type: "bigint"}, {Name: "committed", Type: "varchar"}, {Name: "table", Type: "varchar"},
		{Name: "table_run", Type: "bigint"}, {Name: "after_batch", Type: "bigint"}, {Name: "to_batch", Type: "bigint"}, {Name: "state", Type: "varchar"},
	}}
	text := func(s string) result.Value { return result.Value{Text: s, Form: result.String} }
	number := func(n any) result.Value { return result.Value{Text: fmt.Sprint(n), Form: result.Literal} }
	for _, s := range list {
		tables := tablesOf(s)
		if !allVisible(tables, visible) || s.Err != nil && visible != nil {
			continue
		}
		state := "idle"
		switch {
		case s.Err != nil:
			f.rows = append(f.rows, []result.Value{text(s.Name), {}, {}, {}, {}, {}, {}, text("unreadable")})
			continue
		case s.Busy:
			state = "in use"
		}
		for _, t := range tables {
			r := s.Tables[t]
			f.rows = append(f.rows, []result.Value{text(s.Name), number(s.Run), text(s.Committed.Format("2006-01-02 15:04:05.000")), text(t),
				number(r.Run), number(r.From), number(r.To), text(state)})
		}
	}
	return f
}

// Run is the number of the checkpointed run that the answer is of, and the token
// with which it can be confirmed; ok is false where there is none.
func (r *Rows) Run() (number int64, token string, ok bool) {
	if r.run == nil {
		return 0, "", false
	}
	return r.run.Number(), r.run.Token(), true
}

// Awaits reports whether it is the delivery of the answer that moves a checkpoint on:
// there is one, and the statement did not write.
func (r *Rows) Awaits() bool { return r.run != nil && !r.written }

// Commit says that the answer was delivered, completely: the next run of its
// checkpoint begins where this one ended. Without a checkpoint, or where a statement
// that writes moved it, it does nothing. It must come after the last row, before or after
// Close, unless Sent was called.
func (r *Rows) Commit(context.Context) error {
	if !r.Awaits() {
		return nil
	}
	if err := r.whole(); err != nil {
		return err
	}
	if err := r.run.Commit(); err != nil {
		return asError(err, "", r.dir)
	}
	return nil
}

// Sent says, after the last row and before Close, that the answer was sent and
// that its receiver will confirm it, with COMMIT CHECKPOINT; Unsent takes it back.
func (r *Rows) Sent() error {
	if !r.Awaits() {
		return nil
	}
	if err := r.whole(); err != nil {
		return err
	}
	r.run.Sent()
	return nil
}

// Unsent: see Sent.
func (r *Rows) Unsent() {
	if r.Awaits() {
		r.run.Revoke()
	}
}

// whole is an error unless all rows were read.
func (r *Rows) whole() error {
	if r.ended.IsZero() || r.err != nil || !r.exhausted {
		return fault(CodeInternal, "the answer was not read to its end, so its checkpoint stays where it was")
	}
	return nil
}
