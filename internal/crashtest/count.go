package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func isRow(rec record) bool    { return !rec.misfit() }
func isMisfit(rec record) bool { return rec.misfit() }
func isAny(record) bool        { return true }

// count starts the server once more, with nothing broken, and finds out what has
// become of every record.
func (r *round) count(ctx context.Context) error {
	if r.rep.broken() {
		return nil
	}
	if err := r.settled(ctx); err != nil {
		return err
	}
	// With the server gone the files are final.
	for stream := range numStreams {
		if err := r.countFiles(stream); err != nil {
			return err
		}
	}
	return r.countQuarantine()
}

// settled runs the server until everything is delivered and counts by SQL, before
// and after.
func (r *round) settled(ctx context.Context) error {
	// Here a query fails for good that a broken connection ends: the clients try again.
	i, err := r.start(r.dice(), "AWS_MAX_ATTEMPTS=4")
	if err != nil {
		return err
	}
	defer i.kill()
	if !r.awaitServing(ctx, i, -1) {
		return ctx.Err()
	}
	for stream := range numStreams {
		r.countTable(ctx, i, stream, "before the last delivery")
	}
	for stream := range numStreams {
		if !r.deliver(ctx, i, stream) {
			if i.ended() {
				r.rep.violate("the server ended by itself, or somebody else ended it: %v", i.err)
			}
			return ctx.Err()
		}
	}
	for stream := range numStreams {
		rows := r.countTable(ctx, i, stream, "after the last delivery")
		r.countCounters(ctx, i, stream, rows)
	}
	r.rep.rss.see(maxRSS(i.cmd.Process.Pid))
	begun := time.Now()
	i.terminate()
	select {
	case <-i.exited:
		r.rep.stop.see(time.Since(begun).Milliseconds())
		if i.err != nil {
			r.rep.violate("at the end the server ended on SIGTERM with %v", i.err)
		}
	case <-time.After(stopTimeout + stopGrace):
		r.rep.violate("at the end the server did not end on SIGTERM")
	}
	return ctx.Err()
}

// deliver flushes until nothing is buffered.
func (r *round) deliver(ctx context.Context, i *instance, stream int) bool {
	healing, cancel := context.WithTimeout(ctx, healLimit)
	defer cancel()
	for {
		_, err := i.client.Flush(healing, streamNames[stream])
		if err == nil {
			return true
		}
		if !sleep(healing, 300*time.Millisecond) || i.ended() {
			if ctx.Err() == nil {
				r.rep.violate("%s could not be delivered within %v of the end of all faults: %v", streamNames[stream], healLimit, err)
			}
			return false
		}
	}
}

// countTable holds the table, by SQL, against the journal; it returns its rows.
func (r *round) countTable(ctx context.Context, i *instance, stream int, when string) int {
	sql := "select * from " + streamNames[stream]
	if least, _ := r.journal.bounds(stream); least == 0 {
		return 0 // there need be no table
	}
	where := fmt.Sprintf("by SQL, %s, in %s", when, streamNames[stream])
	c := r.journal.newCount(stream, isRow)
	err := query(ctx, i, sql, func(text []byte) error {
		var w row
		if err := json.Unmarshal(text, &w); err != nil {
			return fmt.Errorf("%w in %s", err, text)
		}
		r.check(c, w, where)
		return nil
	})
	if err != nil {
		if ctx.Err() == nil {
			r.rep.violate("%s: %s: %v", where, sql, err)
		}
		return c.n
	}
	r.rep.queries.Add(1)
	r.conclude(c, where)
	return c.n
}

// check holds a row against the record that it should be.
func (r *round) check(c *count, w row, where string) {
	rec, wrong := c.found(w.ID)
	if wrong == "" {
		wrong = w.differs(rec)
	}
	if c := r.place.clock; wrong == "" && rec.stream != parts && c != nil && !c.showed(w.Day) {
		wrong = fmt.Sprintf("in partition dt=%s, a day that the clock did not show", w.Day)
	}
	if wrong != "" {
		r.rep.violate("%s record %q: %s", where, w.ID, wrong)
	}
}

// conclude says what is missing and what is there twice.
func (r *round) conclude(c *count, where string) {
	lost, doubled := c.missing()
	r.rep.lost.Add(int64(len(lost)))
	r.rep.doubled.Add(int64(len(doubled)))
	for what, ids := range map[string][]string{"LOST": lost, "DOUBLED": doubled} {
		if len(ids) > 0 {
			r.rep.violate("%s %d records: %s %.600s", where, len(ids), what, strings.Join(ids, " "))
		}
	}
}

// countCounters holds the server's own counters against what there is.
func (r *round) countCounters(ctx context.Context, i *instance, stream, rows int) {
	st, err := i.client.Stream(ctx, streamNames[stream])
	if err != nil {
		if ctx.Err() == nil && rows > 0 {
			r.rep.violate("the state of %s: %v", streamNames[stream], err)
		}
		return
	}
	if st.Delivered != int64(rows) || st.BufferedRecords != 0 || st.Accepted != st.Delivered+st.Failed+st.Filtered+st.Deduplicated {
		r.rep.violate("the counters of %s do not add up, its table has %d rows: %+v", st.Name, rows, st)
	}
	if least, most := r.journal.accepted(stream); st.Accepted < least || st.Accepted > most {
		r.rep.violate("%s counts %d accepted records; %d were acknowledged, and %d more perhaps: %+v", st.Name, st.Accepted, least, most-least, st)
	}
	r.rep.deduplicated.Add(st.Deduplicated)
	c := r.journal.newCount(stream, isMisfit)
	where := "under the error prefix of " + streamNames[stream]
	if err := eachFailure(r.place.lake, stream, func(id string) { r.checkID(c, id, where) }); err != nil {
		r.rep.violate("%s: %v", where, err)
	}
	r.conclude(c, where)
	if st.Failed != int64(c.n) {
		r.rep.violate("%s counts %d failed records, %d are under the error prefix", st.Name, st.Failed, c.n)
	}
}

// checkID is check where only the id is known.
func (r *round) checkID(c *count, id, where string) {
	if _, wrong := c.found(id); wrong != "" {
		r.rep.violate("%s record %q: %s", where, id, wrong)
	}
}

// countFiles holds the Parquet files and the raw copy against the journal.
func (r *round) countFiles(stream int) error {
	where := "in the Parquet of " + streamNames[stream]
	c := r.journal.newCount(stream, isRow)
	err := eachRow(r.place.lake, stream, func(w row) { r.check(c, w, where) })
	if err != nil {
		r.rep.violate("%s: %v", where, err)
		return nil
	}
	r.conclude(c, where)
	if !r.raw {
		return nil
	}
	where = "in the raw copy of " + streamNames[stream]
	c = r.journal.newCount(stream, isAny)
	if err := eachRaw(r.place.lake, stream, func(id string) { r.checkID(c, id, where) }); err != nil {
		r.rep.violate("%s: %v", where, err)
		return nil
	}
	r.conclude(c, where)
	return nil
}

// countQuarantine finds what the log set aside: kills alone damage nothing. Nor
// may anything of the log be left.
func (r *round) countQuarantine() error {
	for _, name := range streamNames {
		dir := filepath.Join(r.place.data, "buffer", name)
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err == nil && !d.IsDir() {
				r.rep.violate("%s is left in the log when all is delivered", path)
			}
			return err
		})
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return nil
}
