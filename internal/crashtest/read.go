package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// query runs a statement and gives each row to each, as JSON.
func query(ctx context.Context, i *instance, sql string, each func(row []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	body, err := i.client.Query(ctx, sql, "ndjson")
	if err != nil {
		return err
	}
	defer body.Close()
	in := bufio.NewReaderSize(body, 64<<10)
	for {
		line, err := in.ReadBytes('\n')
		if len(line) > 0 {
			if err := each(line); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// ask runs a statement while things break; false if it failed. That it fails
// while nothing is broken is a violation.
func ask[T any](ctx context.Context, r *round, i *instance, sql string, rows *[]T) bool {
	undisturbed := r.calm.watch(i)
	once := func() error {
		*rows = nil
		return query(ctx, i, sql, func(text []byte) error {
			var t T
			err := json.Unmarshal(text, &t)
			*rows = append(*rows, t)
			return err
		})
	}
	err := once()
	if err != nil && torn(err) && undisturbed() && ctx.Err() == nil {
		r.rep.torn.Add(1)
		r.rep.tell("a connection broke that nobody disturbed: %v", err)
		err = once()
	}
	if err == nil {
		r.rep.queries.Add(1)
		return true
	}
	r.rep.queryFailures.Add(1)
	if undisturbed() && ctx.Err() == nil && !skewed(err) {
		r.rep.violate("a query failed that nobody disturbed: %v: %s", err, sql)
	}
	return false
}

// read queries and flushes until ctx ends.
func (r *round) read(ctx context.Context, rng *rand.Rand) {
	for i := r.fleet.get(ctx); i != nil; i = r.fleet.get(ctx) {
		stream := rng.IntN(numStreams)
		// Until something was acknowledged there need be no table.
		if least, _ := r.journal.bounds(stream); least > 0 {
			switch rng.IntN(5) {
			case 0, 1:
				r.flush(ctx, rng, i, stream)
			case 2:
				r.checkHalves(ctx, i, stream)
			default:
				r.checkCount(ctx, rng, i, stream)
			}
		}
		sleep(ctx, time.Duration(rng.IntN(150))*time.Millisecond)
	}
}

type counted struct{ N, Ids, Lake, Live int }

// checkCount holds the size of a table against what was acknowledged.
func (r *round) checkCount(ctx context.Context, rng *rand.Rand, i *instance, stream int) {
	name := streamNames[stream]
	sql := []string{
		"select count(*) as n, count(distinct id) as ids from " + name,
		"select sum(n)::bigint as n, sum(ids)::bigint as ids from (select kind, count(*) as n, count(distinct id) as ids from " + name + " group by kind)",
		"select sum(n)::bigint as n, count(*) as ids from (select id, count(*) as n from " + name + " group by id)",
	}[rng.IntN(3)]
	least, _ := r.journal.bounds(stream)
	var got []counted
	if !ask(ctx, r, i, sql, &got) {
		return
	}
	_, most := r.journal.bounds(stream)
	if len(got) != 1 || got[0].N != got[0].Ids || got[0].N < least || got[0].N > most {
		r.rep.violate("%s answers %+v; %d were acknowledged before, %d sent until after", sql, got, least, most)
	}
}

// checkHalves holds what is delivered and what is not against the whole, in one
// statement.
func (r *round) checkHalves(ctx context.Context, i *instance, stream int) {
	name := streamNames[stream]
	sql := "select (select count(*) from " + name + ") as n, (select count(*) from lake.default." + name + ") as lake, (select count(*) from live.default." + name + ") as live"
	var got []counted
	if ask(ctx, r, i, sql, &got) && (len(got) != 1 || got[0].N != got[0].Lake+got[0].Live) {
		r.rep.violate("%s answers %+v", sql, got)
	}
}

// flush delivers a stream; sometimes it does not wait for the end.
func (r *round) flush(ctx context.Context, rng *rand.Rand, i *instance, stream int) {
	limit := callLimit
	hasty := rng.IntN(3) == 0
	if hasty {
		limit = between(rng, 0, 200*time.Millisecond)
	}
	flushing, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	least, _ := r.journal.bounds(stream)
	undisturbed := r.calm.watch(i)
	_, err := i.client.Flush(flushing, streamNames[stream])
	if err != nil {
		r.rep.flushFailures.Add(1)
		if undisturbed() && !hasty && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded) && !skewed(err) {
			r.settle(ctx, i, stream, err)
		}
		return
	}
	r.rep.flushes.Add(1)
	if rng.IntN(3) == 0 {
		sql := "select count(*) as n from lake.default." + streamNames[stream]
		var got []counted
		if ask(ctx, r, i, sql, &got) && (len(got) != 1 || got[0].N < least) {
			r.rep.violate("%s answers %+v; %d were acknowledged before a flush that succeeded", sql, got, least)
		}
	}
}

// settle tries again a flush that failed while nothing was broken: the error may
// be of an attempt to deliver that began while something was.
func (r *round) settle(ctx context.Context, i *instance, stream int, first error) {
	undisturbed := r.calm.watch(i)
	calling, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	if _, err := i.client.Flush(calling, streamNames[stream]); err != nil && undisturbed() && ctx.Err() == nil && !skewed(err) {
		r.rep.violate("flushes fail that nobody disturbs: %v; then %v", first, err)
	}
}

// torn tells that a connection of the server's to S3 or the catalog broke. A reset is
// either of the first two, as the reading or the writing end notices it.
func torn(err error) bool {
	text := err.Error()
	return strings.Contains(text, "use of closed network connection") || strings.Contains(text, "connection reset by peer")
}

// skewed tells that S3 refused a request because of its time, as it does until the
// client has learned of a jump from such a refusal.
func skewed(err error) bool { return strings.Contains(err.Error(), "RequestTimeTooSkewed") }
