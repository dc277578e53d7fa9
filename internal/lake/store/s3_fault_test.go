package store_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"sluice/internal/lake/store"
)

func TestGetTakesUpABrokenConnection(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	data := random(1 << 20)
	put(t, s, "a", data)
	for _, r := range [][2]int64{{0, -1}, {0, 1 << 20}, {1000, -1}, {1000, 900_000}} {
		want := data[r[0]:]
		if r[1] >= 0 {
			want = want[:r[1]]
		}
		p.set(nil, cutBody(300_000))
		got, err := get(t, s, "a", r[0], r[1])
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%v: %d bytes, %v", r, len(got), err)
		}
		if n := p.count("get"); n < 3 { // more where the proxy loses some of what it read
			t.Errorf("%v: %d requests", r, n)
		}
	}
	p.set(nil, cutBody(0))
	if got, err := get(t, s, "a", 0, -1); err == nil || !store.Retryable(err) || len(got) != 0 {
		t.Errorf("no byte ever comes: %d bytes, %v", len(got), err)
	}
}

func TestGetNeverMixesVersions(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	put(t, s, "a", bytes.Repeat([]byte("1"), 1<<20))
	p.set(nil, cutBody(100_000))
	body, err := s.Get(t.Context(), "a", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer body.Close()
	if _, err := io.ReadFull(body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	put(t, s, "a", bytes.Repeat([]byte("2"), 1<<20))
	rest, err := io.ReadAll(body)
	if err == nil || !store.Retryable(err) || bytes.Contains(rest, []byte("2")) || !strings.Contains(err.Error(), "replaced") {
		t.Errorf("%d bytes, %v", len(rest), err)
	}
}

// A server or a cache between that ignores or bends the range is found out.
func TestGetChecksTheRange(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	put(t, s, "a", random(1000))
	for _, header := range []string{"", "bytes 0-9/1000", "bytes 11-20/1000", "garbage"} {
		p.set(nil, func(r *http.Response) error {
			r.Header.Set("Content-Range", header)
			return nil
		})
		if got, err := get(t, s, "a", 10, 10); err == nil {
			t.Errorf("%q: %d bytes", header, len(got))
		}
	}
}

func TestFailedUploadIsAborted(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	put(t, s, "a", []byte("before"))
	data := random(40 << 20)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for _, tc := range []struct {
		name   string
		ctx    context.Context
		answer func(w http.ResponseWriter, r *http.Request) bool
		aborts int
		passes bool
	}{
		{"create refused", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "create" && fail(w, 403, "AccessDenied")
		}, 0, false},
		{"part refused", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "part 2" && fail(w, 403, "AccessDenied")
		}, 1, false},
		{"completion refused", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "complete" && fail(w, 400, "InvalidPart")
		}, 1, false},
		{"completion fails within a 200", t.Context(), func(w http.ResponseWriter, r *http.Request) bool {
			return operation(r) == "complete" && fail(w, 200, "InternalError")
		}, 1, true},
		{"caller goes away", ctx, func(w http.ResponseWriter, r *http.Request) bool {
			if operation(r) == "part 2" {
				cancel()
			}
			return false
		}, 1, false},
	} {
		p.set(tc.answer, nil)
		if err := s.Put(tc.ctx, "a", bytes.NewReader(data), int64(len(data))); err == nil || store.Retryable(err) != tc.passes {
			t.Errorf("%s: %v", tc.name, err)
		}
		if n := p.count("abort"); n != tc.aborts {
			t.Errorf("%s: %d aborts", tc.name, n)
		}
		if n := p.unfinished(t); n != 0 && tc.ctx != ctx { // what is broken off on its way may arrive
			t.Errorf("%s: %d unfinished uploads", tc.name, n)
		}
	}
	p.set(nil, nil)
	if got, err := get(t, s, "a", 0, -1); err != nil || string(got) != "before" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}

// What passes is tried again, the body from its beginning.
func TestPassingFaults(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	for name, size := range map[string]int{"small": 1000, "parts": 20 << 20} {
		failed := map[string]bool{}
		p.set(func(w http.ResponseWriter, r *http.Request) bool {
			op := operation(r)
			if failed[op] {
				return false
			}
			failed[op] = true
			if op == "part 2" || op == "put" { // the body is half way
				io.CopyN(io.Discard, r.Body, 500)
				panic(http.ErrAbortHandler)
			}
			return fail(w, 503, "SlowDown")
		}, nil)
		data := random(size)
		put(t, s, name, data)
		if got, err := get(t, s, name, 0, -1); err != nil || !bytes.Equal(got, data) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
		if len(list(t, s, "")) == 0 || len(failed) < 3 {
			t.Errorf("%s: failed %v", name, failed)
		}
	}
}

// A completion that the server carried out but whose answer was lost leaves the
// object whole; the caller who hears of a failure stores it again.
func TestLostAnswer(t *testing.T) {
	p := startFaultyPath(t)
	s := p.open(t)
	data := random(20 << 20)
	p.set(nil, func(r *http.Response) error {
		if operation(r.Request) == "complete" && r.StatusCode == http.StatusOK {
			return errors.New("lost")
		}
		return nil
	})
	err := s.Put(t.Context(), "a", bytes.NewReader(data), int64(len(data)))
	if err != nil && !store.Retryable(err) {
		t.Errorf("put: %v", err)
	}
	p.set(nil, nil)
	if got, err := get(t, s, "a", 0, -1); err != nil || !bytes.Equal(got, data) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	put(t, s, "a", data)
	if n := p.unfinished(t); n != 0 {
		t.Errorf("%d unfinished uploads", n)
	}
}
