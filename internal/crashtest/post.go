package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"
)

// post sends requests until ctx ends.
func (r *round) post(ctx context.Context, client int, rng *rand.Rand) error {
	for i := r.fleet.get(ctx); i != nil; i = r.fleet.get(ctx) {
		q, err := makeRequest(rng, r.journal, client)
		if err != nil {
			return err
		}
		fresh := r.send(ctx, rng, i, q)
		if len(fresh) > 0 && rng.IntN(8) == 0 {
			r.readBack(ctx, rng, i, fresh)
		}
		sleep(ctx, time.Duration(rng.IntN(15))*time.Millisecond)
	}
	return nil
}

// send sends a request, and what was not taken of it again, and returns the
// records that were acknowledged. One that may be repeated is repeated until it
// is answered, and now and then also after that.
func (r *round) send(ctx context.Context, rng *rand.Rand, i *instance, q request) (fresh []record) {
	doubt := false // an earlier attempt may have been carried out
	for try := 0; ; try++ {
		r.rep.posts.Add(1)
		done, certain := r.attempt(ctx, rng, i, q, doubt)
		doubt = doubt || !certain
		fresh = nil
		for k, rec := range q.records[:done] {
			if !q.bad[k] {
				fresh = append(fresh, rec)
			}
		}
		all := done == len(q.records)
		switch {
		case q.again() && (!all && try < 30 || all && rng.IntN(10) == 0):
			if !sleep(ctx, 100*time.Millisecond) {
				return fresh
			}
			if i = r.fleet.get(ctx); i == nil {
				return fresh
			}
		case all || q.again() || !certain || try == 2 || rng.IntN(2) == 0 || !sleep(ctx, 200*time.Millisecond):
			return fresh
		default:
			var err error
			if q, err = q.rest(rng, done); err != nil {
				r.rep.violate("BUG in the test: %v", err)
				return fresh
			}
		}
		r.rep.resumed.Add(1)
	}
}

// attempt sends a request once and notes what is known of its records now: the
// first done are dealt with, the others are certainly not taken, or not certainly.
func (r *round) attempt(ctx context.Context, rng *rand.Rand, i *instance, q request, doubt bool) (done int, certain bool) {
	var good []record
	for k, rec := range q.records {
		if !q.bad[k] {
			good = append(good, rec)
		}
	}
	r.journal.set(uncertain, good...)
	undisturbed := r.calm.watch(i)
	a, err := q.do(ctx, i, rng)
	if err != nil {
		r.rep.unanswered.Add(1)
		if undisturbed() && ctx.Err() == nil && err != errCut {
			r.rep.violate("no answer to a request that nobody disturbed: %v", err)
		}
		r.journal.took(q.records[0].stream, 0, 2*len(good))
		// With an Idempotency-Key net/http itself sends a request again whose
		// connection broke: that the last dial failed says nothing of the first.
		if q.key != "" || !notSent(err) {
			return 0, false
		}
		if !doubt {
			r.journal.set(refused, good...)
		}
		sleep(ctx, 50*time.Millisecond) // it stops, or is dead
		return 0, true
	}
	r.rep.answered.Add(1)
	done, certain, wrong := q.judge(a)
	perhaps := len(good) - a.Accepted
	if a.status == 200 || a.status == 400 {
		perhaps = 0
	}
	if q.key != "" {
		perhaps += len(good) // net/http may have sent it before, unanswered
	}
	r.journal.took(q.records[0].stream, a.Accepted, perhaps)
	if wrong != "" {
		if a.status >= 500 {
			wrong += "; the server's last error: " + r.book.lastError()
		}
		r.rep.violate("%s (%s, %q, %d records): %s", streamNames[q.records[0].stream], q.form, q.encoding, len(q.records), wrong)
	}
	for k, rec := range q.records {
		switch {
		case q.bad[k]:
		case k < done:
			r.journal.set(acked, rec)
		case certain && !doubt:
			r.journal.set(refused, rec)
			r.rep.refusedFull.Add(1)
		}
	}
	return done, certain
}

// notSent tells that no connection was made.
func notSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// errCut is the error of a request that this end broke off.
var errCut = errors.New("cut off by the client")

// do makes the request. Some are broken off in the middle of the body.
func (q request) do(ctx context.Context, i *instance, rng *rand.Rand) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	var body io.Reader = bytes.NewReader(q.body)
	cut := rng.IntN(60) == 0
	if cut {
		body = &cutBody{bytes.NewReader(q.body[:rng.IntN(len(q.body))])}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, i.url+"/v1/streams/"+streamNames[q.records[0].stream]+"/records", body)
	if err != nil {
		return answer{}, err
	}
	if q.encoding != "" {
		req.Header.Set("Content-Encoding", q.encoding)
	}
	if q.key != "" {
		req.Header.Set("Idempotency-Key", q.key)
	}
	if cut {
		req.ContentLength = int64(len(q.body))
	}
	resp, err := i.http.Do(req)
	if cut {
		if err == nil {
			resp.Body.Close()
		}
		return answer{}, errCut
	}
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, err
	}
	a := answer{status: resp.StatusCode}
	if err := json.Unmarshal(text, &a); err != nil {
		return a, fmt.Errorf("answer %d %.200q: %w", resp.StatusCode, text, err)
	}
	return a, nil
}

// cutBody ends in an error.
type cutBody struct{ r io.Reader }

func (b *cutBody) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	if err == io.EOF {
		err = errCut
	}
	return n, err
}

// readBack asks for records that were acknowledged just now.
func (r *round) readBack(ctx context.Context, rng *rand.Rand, i *instance, fresh []record) {
	rng.Shuffle(len(fresh), func(a, b int) { fresh[a], fresh[b] = fresh[b], fresh[a] })
	fresh = fresh[:min(len(fresh), 30)]
	ids, days := map[string]bool{}, map[string]bool{}
	var list, dayList []string
	for _, rec := range fresh {
		if rec.misfit() {
			continue
		}
		day := rec.happened().Format(time.DateOnly)
		ids[rec.id()] = true
		list = append(list, "'"+rec.id()+"'")
		if !days[day] {
			days[day] = true
			dayList = append(dayList, "'"+day+"'")
		}
	}
	if len(list) == 0 {
		return
	}
	stream := fresh[0].stream
	sql := fmt.Sprintf("select id from %s where id in (%s)", streamNames[stream], strings.Join(list, ", "))
	if stream == parts && rng.IntN(2) == 0 {
		sql += fmt.Sprintf(" and dt in (%s)", strings.Join(dayList, ", "))
	}
	var found []row
	if !ask(ctx, r, i, sql, &found) {
		return
	}
	times := map[string]int{}
	for _, row := range found {
		times[row.ID]++
	}
	var wrong []string
	for id := range ids {
		if times[id] != 1 {
			wrong = append(wrong, fmt.Sprintf("%s %d times", id, times[id]))
		}
	}
	if len(wrong) > 0 {
		r.rep.violate("read your writes: of %d records of %s that were just acknowledged, the answer has %s: %s", len(ids), streamNames[stream], strings.Join(wrong, ", "), sql)
	}
}
