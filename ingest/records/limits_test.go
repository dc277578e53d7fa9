package records_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"

	"sluice/ingest"
	"sluice/ingest/records"
)

// record is a JSON object of exactly n bytes.
func record(n int) string {
	const frame = `{"a":""}`
	return `{"a":"` + strings.Repeat("x", n-len(frame)) + `"}`
}

// A record at the limit is stored, one byte more is rejected by its index and
// size, and what stands around it is taken, in every framing and whether or not
// the record fits the buffer.
func TestRecordLimit(t *testing.T) {
	for _, size := range []int{ingest.MaxRecord, ingest.MaxRecord + 1, ingest.MaxBuffer - 1, ingest.MaxBuffer, 3*ingest.MaxBuffer + 7} {
		big := record(size)
		for name, body := range map[string]string{
			"lines":                  "{\"n\":0}\n" + big + "\n{\"n\":2}",
			"CRLF lines":             "{\"n\":0}\r\n" + big + "\r\n{\"n\":2}\r\n",
			"one line":               "{\"n\":0} " + big + "{\"n\":2}",
			"a line of spaces first": "{\"n\":0}\n" + strings.Repeat(" ", 1<<20) + big + "\n{\"n\":2}",
			"pretty-printed":         "{\n\"n\":0}\n" + big + "\n{\"n\":2\n}",
			"array":                  "[{\"n\":0}," + big + " , {\"n\":2}]",
		} {
			t.Run(fmt.Sprintf("%s/%d", name, size), func(t *testing.T) {
				stored := []string{`{"n":0}`, big, `{"n":2}`}
				var rejected []int
				if size > ingest.MaxRecord {
					stored = []string{`{"n":0}`, `{"n":2}`}
					rejected = []int{1}
				}
				a, got := post(t, strings.NewReader(body))
				if a.status != 200 || cmp.Diff(stored, got) != "" || cmp.Diff(rejected, a.indexes()) != "" {
					t.Fatalf("%d records stored: %.1000s", len(got), a.raw)
				}
				if rejected != nil && !strings.Contains(a.Rejected[0].Error, fmt.Sprint(size)) {
					t.Errorf("%q does not tell the size", a.Rejected[0].Error)
				}
				unknown, again := post(t, struct{ io.Reader }{strings.NewReader(body)})
				if unknown.raw != a.raw || cmp.Diff(got, again) != "" {
					t.Errorf("with no length given it is different: %.1000s", unknown.raw)
				}
			})
		}
	}
}

// What is too large and malformed as well is skipped as far as it can be told.
func TestOversizeMalformed(t *testing.T) {
	long := strings.Repeat("x", 2<<20)
	for _, c := range []struct {
		name, body string
		status     int
		stored     []string
		rejected   []int
	}{
		{"a line that does not end", "{}\n{\"a\":\"" + long + "\n{\"n\":1}", 200, []string{`{}`, `{"n":1}`}, []int{1}},
		{"a line that is no JSON", "{}\n" + long + "\n{\"n\":1}", 200, []string{`{}`, `{"n":1}`}, []int{1}},
		{"a line wrong at its end", "{}\n{\"a\":\"" + long + "\",}\n{\"n\":1}", 200, []string{`{}`, `{"n":1}`}, []int{1}},
		{"a last line that does not end", "{}\n{\"a\":\"" + long, 200, []string{`{}`}, []int{1}},
		{"the first line", "{\"a\":\"" + long + "\n{\"n\":1}", 200, []string{`{"n":1}`}, []int{0}},
		{"a first value over many lines", "{\n\"a\":\"" + long + "\"\n}\n{\"n\":1}", 200, []string{`{"n":1}`}, []int{0}},
		{"a value that does not end", "{\n}{\"a\":[\"" + long, 400, []string{`{}`}, []int{1}},
		{"an array's element that does not end", "[{},{\"a\":\"" + long, 400, []string{`{}`}, []int{1}},
		{"an array's string", "[{},\"" + long + "\",{\"n\":1}]", 200, []string{`{}`, `{"n":1}`}, []int{1}},
		{"an array's array", "[{},[\"]" + long + "\"] , {\"n\":1}]", 200, []string{`{}`, `{"n":1}`}, []int{1}},
		{"an array's number", "[{}," + strings.Repeat("1", 2<<20) + ",{\"n\":1}]", 200, []string{`{}`, `{"n":1}`}, []int{1}},
		{"escapes in what is skipped", "[{\"a\":\"" + long + `\\\"}` + "\"},{\"n\":1}]", 200, []string{`{"n":1}`}, []int{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, got := post(t, strings.NewReader(c.body))
			if a.status != c.status || cmp.Diff(c.stored, got) != "" || cmp.Diff(c.rejected, a.indexes()) != "" {
				t.Fatalf("stored %.300q: %.1000s", got, a.raw)
			}
		})
	}
}

func TestManyObjectsOnALongLine(t *testing.T) {
	for _, body := range []string{
		strings.Repeat("{}", 1<<20),
		strings.Repeat(`{"a":1}`, 300_000) + "\n",
		"[" + strings.TrimSuffix(strings.Repeat("{},", 1<<19), ",") + "]",
		strings.Repeat("{\n}", 1<<19),
	} {
		want := strings.Count(body, "{")
		if a, got := post(t, strings.NewReader(body)); a.status != 200 || len(got) != want {
			t.Errorf("%.10q…: %d stored of %d: %.300s", body, len(got), want, a.raw)
		}
	}
}

// A body past max_body is refused at once if it says so, and else where it
// passes the limit; one at the limit is taken.
func TestBodyLimit(t *testing.T) {
	line := record(1<<20/2-1) + "\n" // 12 make maxBody
	full := strings.Repeat(line, 12)
	a, got := post(t, strings.NewReader(full))
	if a.status != 200 || len(got) != 12 {
		t.Fatalf("at the limit: %.300s", a.raw)
	}
	if a, got = post(t, strings.NewReader(full+"\n")); a.status != 413 || len(got) != 0 || a.header.Get("Connection") != "close" {
		t.Errorf("past it, with a length: %d %.300s", a.status, a.raw)
	}
	for name, header := range map[string][]string{"plain": nil, "gzip": {"Content-Encoding", "gzip"}, "zstd": {"Content-Encoding", "zstd"}} {
		body := compress(t, name, full+line)
		a, got := post(t, struct{ io.Reader }{body}, header...)
		if a.status != 413 || len(got) != 12 || cmp.Diff([]int{12}, a.indexes()) != "" || a.Error.Code != ingest.CodeTooLarge {
			t.Errorf("%s, past it: %d, %d stored: %.300s", name, a.status, len(got), a.raw)
		}
	}
}

// Little that becomes much is stopped at the limit, in little memory.
func TestGzipBomb(t *testing.T) {
	for name, pattern := range map[string]string{"one record": strings.Repeat("x", 1<<20), "white space": strings.Repeat(" ", 1<<20),
		"brackets": strings.Repeat("[", 1<<20), "lines": strings.Repeat("{}\n", 1<<18), "bad lines": strings.Repeat("x\n", 1<<19), "worse lines": strings.Repeat("{x\n", 1<<18)} {
		t.Run(name, func(t *testing.T) {
			s := newServer(t)
			var sent, peak int64
			r, w := io.Pipe()
			go func() {
				zw := gzip.NewWriter(w)
				io.WriteString(zw, `{"a":"`)
				for range 4096 { // 4 GiB, but the server stops it
					if _, err := io.WriteString(zw, pattern); err != nil {
						return
					}
				}
				w.CloseWithError(zw.Close())
			}()
			a := s.post(t, readerFunc(func(p []byte) (int, error) {
				n, err := r.Read(p)
				sent += int64(n)
				peak = max(peak, s.mem.InUse())
				return n, err
			}), "Content-Encoding", "gzip")
			r.Close()
			checkAnswer(t, a, s.log.lines())
			if a.status != 413 {
				t.Errorf("status %d: %.300s", a.status, a.raw)
			}
			if sent > maxBody/16 || peak > 3*ingest.MaxBuffer {
				t.Errorf("%d bytes were read, %d held at most", sent, peak)
			}
			if s.log.largest > ingest.MaxBuffer {
				t.Errorf("a block of %d bytes", s.log.largest)
			}
		})
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// However many clients dawdle, what they hold stays within the limit; those who
// find it used up are told to come back, and all of it is free in the end.
func TestSlowClientsHoldLittle(t *testing.T) {
	const clients = 2000
	s := newServer(t)
	var statuses [600]atomic.Int32
	var reading, finished sync.WaitGroup
	release := make(chan struct{})
	reading.Add(clients)
	for i := range clients {
		finished.Go(func() {
			settled := sync.OnceFunc(reading.Done)
			begun := false
			r := httptest.NewRequest("POST", "/v1/streams/s/records", readerFunc(func(p []byte) (int, error) {
				if held := s.mem.InUse(); held > s.mem.Limit() {
					t.Errorf("%d bytes held of %d", held, s.mem.Limit())
				}
				if !begun {
					begun = true
					return copy(p, "{}\n"), nil
				}
				settled()
				<-release
				return 0, io.EOF
			}))
			r.ContentLength = []int64{-1, maxBody, 100 << 10}[i%3] // they claim much, and send nothing
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			settled()
			statuses[w.Code].Add(1)
			if w.Code == 503 && w.Header().Get("Retry-After") == "" {
				t.Error("503 without Retry-After")
			}
		})
	}
	reading.Wait() // each one reads or was sent away
	if held := s.mem.InUse(); held > s.mem.Limit() || held < s.mem.Limit()/2 {
		t.Errorf("%d bytes held of %d", held, s.mem.Limit())
	}
	close(release)
	finished.Wait()
	ok, busy := statuses[200].Load(), statuses[503].Load()
	if ok+busy != clients || ok < 500 || busy < 1 || int(ok) != len(s.log.lines()) {
		t.Errorf("%d accepted, %d sent away, %d stored", ok, busy, len(s.log.lines()))
	}
}

// A request that needs more memory than is left is told how far it came.
func TestMemoryRunsOut(t *testing.T) {
	s := newServer(t)
	held := s.mem.Limit() - 20<<10 // enough to begin with
	if p := s.mem.Reserve(t.Context(), held); p != nil {
		t.Fatal(p)
	}
	defer s.mem.Release(held)
	a := s.post(t, strings.NewReader("{\"n\":0}\nx\n"+record(100<<10)+"\n"))
	checkAnswer(t, a, s.log.lines())
	if a.status != 503 || a.Accepted != 1 || a.ResumeFrom == nil || *a.ResumeFrom != 2 || a.header.Get("Retry-After") == "" || a.Error.Code != ingest.CodeOverloaded {
		t.Errorf("%d %s", a.status, a.raw)
	}
	// Where records are small, less memory only means smaller blocks.
	lines := strings.Repeat(record(1000)+"\n", 500)
	if a := s.post(t, strings.NewReader(lines)); a.status != 200 || a.Accepted != 500 {
		t.Errorf("%d %.300s", a.status, a.raw)
	}
	if s.log.largest > 16<<10 {
		t.Errorf("a block of %d bytes", s.log.largest)
	}
}

func TestRejectedListIsBounded(t *testing.T) {
	a, _ := post(t, strings.NewReader(strings.Repeat("x\n", 20_000)+"{}"))
	if a.status != 200 || len(a.Rejected) != 1000 || a.RejectedTotal != 20_000 || a.Accepted != 1 {
		t.Errorf("%d: %d listed, %d in all", a.status, len(a.Rejected), a.RejectedTotal)
	}
}

func TestConfigIsChecked(t *testing.T) {
	_, err := records.New(records.Config{})
	if err == nil || strings.Count(err.Error(), "is not set") != 7 {
		t.Errorf("%v", err)
	}
}

var _ http.Handler = (*server)(nil)
