package executor_test

import (
	"context"
	"errors"
	"os"
	"testing"

	"sluice/query/executor"
)

// A query whose time is over ends although a call of a function does not: what the
// call has is freed when it returns, and no sooner.
func TestDeafCall(t *testing.T) {
	entered, let := make(chan struct{}, 8), make(chan struct{})
	temp := t.TempDir()
	e, err := executor.New(executor.Config{Memory: 128 << 20, Threads: 1, TempDir: temp, MaxTemp: 1 << 20, Functions: []executor.Function{{
		Name: "deaf", Parameters: []string{"VARCHAR"}, Result: "VARCHAR",
		Call: func(dst []byte, args [][]byte) ([]byte, bool, error) {
			entered <- struct{}{}
			<-let
			return append(dst, args[0]...), false, nil
		},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	why := errors.New("its time is over")
	folders := func() int {
		t.Helper()
		list, err := os.ReadDir(temp)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	for name, ask := range map[string]func(context.Context) error{
		"run": func(ctx context.Context) error {
			rows, err := e.Run(ctx, executor.Query{SQL: "SELECT deaf(i::VARCHAR) FROM range(3) t(i)"})
			if err != nil {
				return err
			}
			for rows.Next() {
			}
			return errors.Join(rows.Err(), rows.Close())
		},
		"write": func(ctx context.Context) error {
			folder := t.TempDir()
			d, err := e.Draft(ctx, executor.Query{SQL: "SELECT deaf(i::VARCHAR) AS x FROM range(3) t(i)"}, folder)
			if err != nil {
				return err
			}
			_, err = d.Copy("COPY (" + d.SQL() + ") TO " + executor.Quote(folder+"/x.csv"))
			return errors.Join(err, d.Close())
		},
		"evaluate": func(ctx context.Context) error {
			_, err := e.Strings(ctx, "SELECT deaf('x')", nil)
			return err
		},
	} {
		ctx, cancel := context.WithCancelCause(t.Context())
		ctx, calls := executor.WithCalls(ctx)
		failed := make(chan error)
		go func() { failed <- ask(ctx) }()
		<-entered
		cancel(why)
		if err := <-failed; !errors.Is(err, why) {
			t.Errorf("%s: %v", name, err)
		}
		freed := make(chan struct{})
		calls.After(func() { close(freed) })
		select {
		case <-freed:
			t.Errorf("%s: what the call has is freed while it goes on", name)
		default:
		}
		if name != "evaluate" && folders() == 0 {
			t.Errorf("%s: the folder is gone under the call", name)
		}
		// What others ask is answered meanwhile.
		if _, rows, err := run(t, e, executor.Query{SQL: "SELECT 1"}); err != nil || len(rows) != 1 {
			t.Errorf("%s: %v", name, err)
		}
		close(let)
		<-freed
		let = make(chan struct{})
		for len(entered) > 0 {
			<-entered
		}
		if n := folders(); n != 0 {
			t.Errorf("%s: %d folders are left", name, n)
		}
		now := make(chan struct{})
		calls.After(func() { close(now) })
		<-now
	}
	e.Close()
}
