package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

const (
	readSize = 64 << 10
	// maxLine is the longest line that is kept; the server's limit is for one
	// record, and several may share a line.
	maxLine = 4 << 20
)

// A chunk is a run of whole lines for one request.
type chunk struct {
	body  []byte
	first int64 // line number of its first line, from 1
}

// A cutter cuts what is read into chunks.
type cutter struct {
	records, bytes int // of a chunk, at most; one line may be longer
	linger         time.Duration
	reject         func(line int64, text string)
	out            chan<- chunk // closed by run

	cur     []byte // lines, then the beginning of one more from end on
	end     int
	lines   int   // whole ones in cur
	line    int64 // number of the first line in cur
	fresh   bool  // lines were passed on
	skip    bool  // within a line that is too long
	checked bool  // the first line is one that can be sent
}

// A block is what one Read gave.
type block struct {
	data []byte
	err  error
}

// readBlocks reads r to its end or first error, the last thing it sends.
func readBlocks(ctx context.Context, r io.Reader, blocks chan<- block) {
	for {
		buf := make([]byte, readSize)
		n, err := r.Read(buf)
		select {
		case blocks <- block{buf[:n], err}:
		case <-ctx.Done():
			return
		}
		if err != nil {
			return
		}
	}
}

// run cuts until the blocks end. What is cut before a read error is sent.
func (c *cutter) run(ctx context.Context, blocks <-chan block) error {
	defer close(c.out)
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	defer timer.Stop()
	c.line = 1
	waiting := false // the timer runs
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			waiting = false
			if err := c.emit(ctx); err != nil {
				return err
			}
		case b := <-blocks:
			if err := c.take(ctx, b.data); err != nil {
				return err
			}
			switch {
			case errors.Is(b.err, io.EOF):
				return c.finish(ctx)
			case b.err != nil:
				return errors.Join(c.emit(ctx), fmt.Errorf("read input after line %d: %w", c.line-1, b.err))
			}
		}
		switch {
		case c.lines > 0 && (c.fresh || !waiting):
			timer.Reset(c.linger)
			waiting = true
		case c.lines == 0:
			timer.Stop()
			waiting = false
		}
		c.fresh = false
	}
}

// take adds what was read.
func (c *cutter) take(ctx context.Context, data []byte) error {
	for len(data) > 0 {
		part, rest := data, []byte(nil)
		whole := false
		if i := bytes.IndexByte(data, '\n'); i >= 0 {
			part, rest, whole = data[:i+1], data[i+1:], true
		}
		data = rest
		if err := c.takePart(ctx, part, whole); err != nil {
			return err
		}
	}
	return nil
}

// takePart adds a part of a line, or its whole rest.
func (c *cutter) takePart(ctx context.Context, part []byte, whole bool) error {
	size := len(c.cur) - c.end + len(part)
	if c.skip || size > maxLine {
		return c.skipPart(ctx, whole)
	}
	if whole && c.lines > 0 && (c.end+size > c.bytes || size > maxRecord) {
		if err := c.emit(ctx); err != nil {
			return err
		}
	}
	c.cur = append(c.cur, part...)
	if !whole {
		return nil
	}
	if !c.checked {
		if err := c.check(c.cur[c.end:]); err != nil {
			return err
		}
	}
	c.end = len(c.cur)
	c.lines++
	// A line over the limit of a record goes alone: where the server got to in a
	// request can then be told in all others.
	if c.lines >= c.records || c.end >= c.bytes || size > maxRecord {
		return c.emit(ctx)
	}
	return nil
}

// skipPart passes over a line that is too long.
func (c *cutter) skipPart(ctx context.Context, whole bool) error {
	if !c.skip {
		if err := c.emit(ctx); err != nil {
			return err
		}
		c.cur, c.skip = c.cur[:0], true
		c.reject(c.line, fmt.Sprintf("the line is longer than %d bytes; it was not sent", maxLine))
	}
	if whole {
		c.skip = false
		c.line++
	}
	return nil
}

// check looks at a line before the first one that is not blank is passed on: it
// tells files that are no NDJSON.
func (c *cutter) check(line []byte) error {
	if c.line == 1 && c.lines == 0 {
		if bom := []byte("\xef\xbb\xbf"); bytes.HasPrefix(line, bom) {
			c.cur = append(c.cur[:c.end], line[len(bom):]...)
			line = c.cur[c.end:]
		}
	}
	line = bytes.TrimSpace(line)
	c.checked = len(line) > 0
	switch {
	case bytes.HasPrefix(line, []byte("\x1f\x8b")):
		return errors.New("the input is compressed with gzip: send what `gzip -dc` makes of it")
	case bytes.HasPrefix(line, []byte("\x28\xb5\x2f\xfd")):
		return errors.New("the input is compressed with zstd: send what `zstd -dc` makes of it")
	case bytes.HasPrefix(line, []byte("[")):
		return errors.New("the input is a JSON array, not one object a line: send what `jq -c '.[]'` makes of it")
	case len(line) > 0 && incomplete(line):
		return fmt.Errorf("line %d stops in the middle of an object, but there must be one object a line: send what `jq -c .` makes of the input", c.line+int64(c.lines))
	}
	return nil
}

// finish passes on the rest, whose last line may lack its newline.
func (c *cutter) finish(ctx context.Context) error {
	if c.skip || len(c.cur) > c.end {
		if err := c.takePart(ctx, []byte("\n"), true); err != nil {
			return err
		}
	}
	return c.emit(ctx)
}

// emit passes the whole lines on.
func (c *cutter) emit(ctx context.Context) error {
	if c.lines == 0 {
		return nil
	}
	rest := c.cur[c.end:]
	next := append(make([]byte, 0, max(c.bytes+readSize, len(rest))), rest...)
	select {
	case c.out <- chunk{body: c.cur[:c.end], first: c.line}:
	case <-ctx.Done():
		return ctx.Err()
	}
	c.line += int64(c.lines)
	c.cur, c.end, c.lines, c.fresh = next, 0, 0, true
	return nil
}
