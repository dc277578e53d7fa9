package client_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"sluice/internal/client"
	"sluice/internal/progress"
)

var itoa = strconv.Itoa

// input is n records, each its own.
func input(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"i":%d}`+"\n", i)
	}
	return b.String()
}

// send runs a Sender of the fake's stream s with one connection and ten records
// a request, changed as told.
func send(t *testing.T, f *fake, r io.Reader, change func(s *client.Sender)) (client.Summary, error) {
	t.Helper()
	s := client.Sender{Client: f.client, Stream: "s", Records: 10, Connections: 1}
	if change != nil {
		change(&s)
	}
	return s.Run(t.Context(), r)
}

// sameLines checks that exactly the lines of want were stored, each once.
func sameLines(t *testing.T, f *fake, want string) {
	t.Helper()
	got, lines := f.lines(), strings.Split(strings.TrimSuffix(want, "\n"), "\n")
	slices.Sort(got)
	slices.Sort(lines)
	if diff := cmp.Diff(lines, got); diff != "" {
		t.Errorf("stored (-want +got):\n%s", diff)
	}
}

func TestSend(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) { f.store(w, body) })
		in := input(1005)
		// The last newline is missing, and reads are short.
		sum, err := send(t, f, iotest.OneByteReader(strings.NewReader(in[:len(in)-1])), func(s *client.Sender) { s.Connections = 3 })
		if err != nil {
			t.Fatal(err)
		}
		sameLines(t, f, in)
		if sum.Accepted != 1005 || sum.Rejected != 0 || sum.Requests != 101 || sum.Bytes != int64(len(in)) || sum.Uncertain != 0 || f.requests != 101 {
			t.Errorf("got %+v", sum)
		}
	})
}

func TestRequestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sizes []int
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			sizes = append(sizes, len(body))
			f.store(w, body)
		})
		// Each line has 10 bytes, the fourth 40.
		in := "{\"a\":123}\n{\"a\":123}\n{\"a\":123}\n{\"a\":\"" + strings.Repeat("x", 31) + "\"}\n{\"a\":123}\n"
		if _, err := send(t, f, strings.NewReader(in), func(s *client.Sender) { s.Bytes = 25 }); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{20, 10, 40, 10}, sizes); diff != "" {
			t.Error(diff)
		}
		sameLines(t, f, in)
	})
}

func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		var at []time.Duration
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			at = append(at, time.Since(begun))
			switch n {
			case 0:
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, `{"accepted":0,"rejected":[],"resume_from":0,"error":{"code":"buffer_full","message":"full"}}`)
			case 1:
				w.WriteHeader(http.StatusTooManyRequests) // a proxy's
			case 2, 3:
				w.WriteHeader(http.StatusServiceUnavailable)
			default:
				f.store(w, body)
			}
		})
		sum, err := send(t, f, strings.NewReader(input(10)), nil)
		if err != nil {
			t.Fatal(err)
		}
		sameLines(t, f, input(10))
		if sum.Accepted != 10 || sum.Requests != 1 || sum.Retries != (client.Retries{Busy: 4}) || sum.Uncertain != 0 {
			t.Errorf("got %+v", sum)
		}
		if asked := at[1] - at[0]; asked < 7*time.Second || asked > 8*time.Second {
			t.Errorf("came back after %v, asked for 7 s", asked)
		}
		if first, last := at[2]-at[1], at[4]-at[3]; first < 50*time.Millisecond || last < 200*time.Millisecond || last > time.Second {
			t.Errorf("waited %v and later %v: want growing waits", first, last)
		}
	})
}

// TestBusyForLong keeps the server busy for longer than an outage may last.
func TestBusyForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			if time.Since(begun) < 3*time.Hour {
				w.Header().Set("Retry-After", "60")
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			f.store(w, body)
		})
		if sum, err := send(t, f, strings.NewReader(input(3)), nil); err != nil || sum.Accepted != 3 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

// TestResume has the server stop in the middle of a request.
func TestResume(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const in = "{\"i\":0}\n\nbad\n{\"i\":1}{\"i\":2} {\"i\":3}\n  {\"i\":4}\n{\"i\":5}\n"
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			switch n {
			case 0:
				f.keep([]byte("{\"i\":0}\n{\"i\":1}\n"))
				w.WriteHeader(http.StatusServiceUnavailable)
				io.WriteString(w, `{"accepted":2,"rejected":[{"index":1,"error":"malformed"}],"resume_from":3,"error":{"code":"buffer_full","message":"full"}}`)
			case 1:
				if want := in[strings.Index(in, `{"i":2}`):]; string(body) != want {
					t.Errorf("resumed with %q, want %q", body, want)
				}
				f.keep([]byte("{\"i\":2}\n{\"i\":3}\n{\"i\":4}\n{\"i\":5}\n"))
				io.WriteString(w, `{"accepted":4,"rejected":[]}`)
			}
		})
		sum, err := send(t, f, strings.NewReader(in), nil)
		if err != nil {
			t.Fatal(err)
		}
		sameLines(t, f, input(6))
		want := []client.Rejection{{Line: 3, Error: "malformed"}}
		if diff := cmp.Diff(want, sum.Rejections); diff != "" || sum.Accepted != 6 || sum.Rejected != 1 || sum.Uncertain != 0 {
			t.Errorf("got %+v", sum)
		}
	})
}

func TestCutConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var notes bytes.Buffer
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			switch n {
			case 0: // nothing was stored
				panic(http.ErrAbortHandler)
			case 1: // stored, and the answer is lost on the way
				f.keep(body)
				w.Header().Set("Content-Length", "100")
				io.WriteString(w, `{"accepted":`)
				panic(http.ErrAbortHandler)
			case 2:
				f.keep(body)
				w.WriteHeader(http.StatusBadGateway)
			default:
				f.store(w, body)
			}
		})
		sum, err := send(t, f, strings.NewReader(input(2)), func(s *client.Sender) { s.Bar = progress.New(&notes, progress.Config{Quiet: true}) })
		if err != nil {
			t.Fatal(err)
		}
		if sum.Accepted != 2 || sum.Retries != (client.Retries{Failed: 1, Disconnected: 2}) || sum.Uncertain != 3 {
			t.Errorf("got %+v", sum)
		}
		if got := len(f.lines()); got != 6 {
			t.Errorf("%d records stored, want each three times", got)
		}
		if want := "trying again, so that some records may be stored twice: the connection to http://sluice.test broke before an answer came (EOF)\n"; notes.String() != want {
			t.Errorf("notes:\n%swant:\n%s", &notes, want)
		}
		if !strings.Contains(sum.String(), "3 of these may have been stored the first time too") {
			t.Errorf("the summary does not warn:\n%s", sum)
		}
	})
}

// TestRestart has the server go away and come back.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			if n == 0 {
				f.down.Store(true)
				time.AfterFunc(4*time.Minute, func() { f.down.Store(false) })
				w.Header().Set("Connection", "close")
			}
			f.store(w, body)
		})
		sum, err := send(t, f, strings.NewReader(input(20)), nil)
		if err != nil {
			t.Fatal(err)
		}
		sameLines(t, f, input(20))
		if sum.Accepted != 20 || sum.Uncertain != 0 || sum.Retries.Disconnected < 20 {
			t.Errorf("got %+v", sum)
		}
	})
}

func TestOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			f.down.Store(true)
			w.Header().Set("Connection", "close")
			f.store(w, body)
		})
		begun := time.Now()
		sum, err := send(t, f, strings.NewReader(input(20)), nil)
		if took := time.Since(begun); took < 5*time.Minute || took > 6*time.Minute {
			t.Errorf("gave up after %v", took)
		}
		if err == nil || !strings.HasPrefix(err.Error(), "cannot reach http://sluice.test: is `sluice serve` running there? (dial") || sum.Accepted != 10 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestFailing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			w.WriteHeader(http.StatusInternalServerError)
			io.WriteString(w, `{"accepted":0,"rejected":[],"resume_from":0,"error":{"code":"append_failed","message":"the records could not be stored"}}`)
		})
		sum, err := send(t, f, strings.NewReader(input(1)), func(s *client.Sender) { s.Outage = time.Minute })
		var answer *client.Error
		if !errors.As(err, &answer) || answer.Code != "append_failed" || sum.Uncertain == 0 || sum.Uncertain != sum.Retries.Failed {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

// TestNotThere must not read anything before it says so.
func TestNotThere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, nil)
		f.down.Store(true)
		_, err := send(t, f, iotest.ErrReader(errors.New("read")), nil)
		want := "cannot reach http://sluice.test: is `sluice serve` running there? (dial tcp: connection refused)"
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	})
}

func TestRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			if n == 0 {
				f.store(w, body)
				return
			}
			w.WriteHeader(http.StatusNotFound)
			io.WriteString(w, `{"error":{"code":"unknown_stream","message":"there is no stream \"s\""}}`)
		})
		sum, err := send(t, f, strings.NewReader(input(50)), nil)
		if err == nil || err.Error() != `there is no stream "s" (404 unknown_stream)` || sum.Accepted != 10 || f.requests != 2 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestRejections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			switch n {
			case 0: // the first seven of ten are named, all are bad
				var list []string
				for i := range 7 {
					list = append(list, fmt.Sprintf(`{"index":%d,"error":"e%d"}`, i, i))
				}
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprintf(w, `{"accepted":0,"rejected":[%s],"rejected_total":10,"error":{"code":"no_record_accepted","message":"none"}}`, strings.Join(list, ","))
			default:
				fmt.Fprintf(w, `{"accepted":6,"rejected":[{"index":1,"error":"a"},{"index":2,"error":"b"},{"index":3,"error":"c"},{"index":9,"error":"d"}]}`)
			}
		})
		sum, err := send(t, f, strings.NewReader(input(20)), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := []client.Rejection{{1, "e0"}, {2, "e1"}, {3, "e2"}, {4, "e3"}, {5, "e4"}, {6, "e5"}, {7, "e6"}, {12, "a"}, {13, "b"}, {14, "c"}}
		if diff := cmp.Diff(want, sum.Rejections); diff != "" || sum.Accepted != 6 || sum.Rejected != 14 {
			t.Errorf("got %+v\n%s", sum, diff)
		}
		if !strings.Contains(sum.String(), "line 12 rejected: a\n") || !strings.Contains(sum.String(), "and 4 more rejected\n") {
			t.Errorf("the summary does not name them:\n%s", sum)
		}
	})
}

// TestLinger sends what a slow reader has before a request is full.
func TestLinger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		got := make(chan string)
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			f.store(w, body)
			got <- string(body)
		})
		r, w := io.Pipe()
		go func() {
			io.WriteString(w, "{\"a\":1}\n{\"a\":2}\n{\"a\"")
			if body := <-got; body != "{\"a\":1}\n{\"a\":2}\n" {
				t.Errorf("sent %q", body)
			}
			io.WriteString(w, ":3}\n")
			if body := <-got; body != "{\"a\":3}\n" {
				t.Errorf("sent %q", body)
			}
			w.Close()
		}()
		if sum, err := send(t, f, r, nil); err != nil || sum.Accepted != 3 {
			t.Errorf("got %+v, %v", sum, err)
		}
	})
}

func TestCancel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) { w.WriteHeader(http.StatusServiceUnavailable) })
		r, w := io.Pipe() // never ends by itself
		defer w.Close()
		go io.WriteString(w, input(10))
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		_, err := client.Sender{Client: f.client, Stream: "s", Records: 10}.Run(ctx, r)
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestInputError must still send what was read before.
func TestInputError(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			time.Sleep(time.Second) // under way when the error comes
			f.store(w, body)
		})
		in := io.MultiReader(strings.NewReader(input(15)+`{"half`), iotest.ErrReader(errors.New("disk on fire")))
		sum, err := send(t, f, in, nil)
		if err == nil || err.Error() != "read input after line 15: disk on fire" || sum.Accepted != 15 {
			t.Errorf("got %+v, %v", sum, err)
		}
		sameLines(t, f, input(15))
	})
}

func TestNotNDJSON(t *testing.T) {
	for in, want := range map[string]string{
		"[\n{\"a\":1},\n{\"a\":2}\n]\n": "the input is a JSON array, not one object a line: send what `jq -c '.[]'` makes of it",
		"\n\n{\n  \"a\": 1\n}\n":        "line 3 stops in the middle of an object, but there must be one object a line: send what `jq -c .` makes of the input",
		"\x1f\x8b\x08\x00\n":            "the input is compressed with gzip: send what `gzip -dc` makes of it",
		"\x28\xb5\x2f\xfd\x00":          "the input is compressed with zstd: send what `zstd -dc` makes of it",
		"\xef\xbb\xbf[1]":               "the input is a JSON array, not one object a line: send what `jq -c '.[]'` makes of it",
	} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) { t.Errorf("%q was sent", body) })
			if _, err := send(t, f, strings.NewReader(in), nil); err == nil || err.Error() != want {
				t.Errorf("%q: got %v, want %s", in, err, want)
			}
		})
	}
}

func TestOverlongLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) { f.store(w, body) })
		long := `{"a":"` + strings.Repeat("x", 5<<20) + "\"}\n"
		large := `{"a":"` + strings.Repeat("x", 2<<20) + "\"}\n"
		in := "{\"i\":0}\n" + long + "{\"i\":1}\n" + large + "{\"i\":2}\n" + long[:len(long)-1]
		sum, err := send(t, f, strings.NewReader(in), nil)
		if err != nil {
			t.Fatal(err)
		}
		sameLines(t, f, "{\"i\":0}\n{\"i\":1}\n"+large+"{\"i\":2}\n")
		const text = "the line is longer than 4194304 bytes; it was not sent"
		if diff := cmp.Diff([]client.Rejection{{2, text}, {6, text}}, sum.Rejections); diff != "" || sum.Rejected != 2 || sum.Requests != 4 {
			t.Errorf("got %+v\n%s", sum, diff)
		}
	})
}

func TestEmptyInput(t *testing.T) {
	for _, in := range []string{"", "\n", " \n\t\r\n", "\xef\xbb\xbf"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) { t.Errorf("%q was sent", body) })
			if sum, err := send(t, f, strings.NewReader(in), nil); err != nil || sum.Accepted != 0 || sum.Rejected != 0 {
				t.Errorf("%q: got %+v, %v", in, sum, err)
			}
		})
	}
}

func TestSummaryJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, func(f *fake, w http.ResponseWriter, n int, body []byte) {
			time.Sleep(time.Duration(n+1) * 10 * time.Millisecond)
			f.store(w, body)
		})
		sum, err := send(t, f, strings.NewReader(input(1000)), nil)
		if err != nil {
			t.Fatal(err)
		}
		// 100 requests of 10, 20, … 1000 ms, one after the other.
		if sum.Seconds != 50.5 || sum.Latency.Max != 1000 || sum.RecordsPerSecond < 19.8 || sum.RecordsPerSecond > 19.9 {
			t.Errorf("got %+v", sum)
		}
		for q, got := range map[float64]float64{500: sum.Latency.P50, 950: sum.Latency.P95, 990: sum.Latency.P99} {
			if got < q || got > q*1.04 {
				t.Errorf("percentile %v ms, want %v", got, q)
			}
		}
		data, err := json.Marshal(sum)
		if err != nil || !strings.HasPrefix(string(data), `{"stream":"s","requests":100,"accepted":1000,"rejected":0,`) {
			t.Errorf("got %s, %v", data, err)
		}
	})
}
