package httpapi

import (
	"bufio"
	"context"
	"net/http"
	"strconv"

	"sluice/query"
)

// Headers of an answer that a checkpoint was asked for.
const (
	runHeader   = "Sluice-Checkpoint-Run"
	tokenHeader = "Sluice-Checkpoint-Token"
)

// announce names the run before its rows.
func announce(w http.ResponseWriter, rows *query.Rows, confirm bool) {
	number, token, ok := rows.Run()
	if !ok {
		return
	}
	w.Header().Set(runHeader, strconv.FormatInt(number, 10))
	if confirm {
		w.Header().Set(tokenHeader, token)
	}
}

// finish sends what is left of an answer whose rows are all written. With a
// checkpoint the connection ends as it should only after the commit: who reads the
// answer to its end knows that it is committed.
func (h *handler) finish(b *bufio.Writer, control *http.ResponseController, rows *query.Rows, confirm bool) {
	run := rows.Awaits()
	if run && confirm {
		// Before the last byte: the confirmation may be here before we are back.
		if err := rows.Sent(); err != nil {
			h.cut("answer not read to its end", err)
		}
	}
	err := b.Flush()
	if err == nil && run {
		err = control.Flush()
	}
	switch {
	case err != nil && run:
		rows.Unsent()
		h.cut("client gone, so its checkpoint stays where it was", err)
	case err != nil:
		h.cfg.Log.Debug("client gone", "err", err)
	case run && !confirm:
		// The answer is out and there is no way to say anything more in it.
		if err := rows.Commit(context.Background()); err != nil {
			h.cut("checkpoint not committed", err)
		}
	}
}

// cut ends the connection so that what was sent is no answer.
func (h *handler) cut(what string, err error) {
	h.cfg.Log.Warn(what, "err", err)
	panic(http.ErrAbortHandler)
}
