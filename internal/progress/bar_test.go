package progress

import (
	"bytes"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"
)

// show runs work beside a bar in a bubble of its own time, and returns what was
// written while it ran and what was at the end.
func show(t *testing.T, cfg Config, width int, work func(b *Bar)) (during, after string) {
	t.Helper()
	var out bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		b := New(&out, cfg)
		if width > 0 {
			b.width = func() int { return width }
		}
		stop := b.Start()
		work(b)
		synctest.Wait()
		during = out.String()
		stop()
		stop() // once is enough, twice is allowed
		after = out.String()
	})
	return during, after
}

func TestPlainLines(t *testing.T) {
	records := 0
	cfg := Config{Label: "send", Total: 20_000_000, Status: func() string {
		if records == 0 {
			return ""
		}
		return "42 records"
	}}
	_, got := show(t, cfg, 0, func(b *Bar) {
		b.Add(5_000_000)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		records = 42
		b.Add(5_000_000)
		b.Note("the server is busy")
		time.Sleep(5 * time.Second)
		synctest.Wait()
		time.Sleep(15 * time.Second)
	})
	want := `send: 25 %, 5.00 MB of 20.0 MB, 1.00 MB/s, 15s left
the server is busy
send: 50 %, 10.0 MB of 20.0 MB, 1.00 MB/s, 10s left, 42 records
send: 50 %, 10.0 MB of 20.0 MB, 500 kB/s, 20s left, 42 records
send: 50 %, 10.0 MB of 20.0 MB, 0 B/s, 42 records
send: 50 %, 10.0 MB of 20.0 MB, 0 B/s, 42 records
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

func TestUnknownTotal(t *testing.T) {
	_, got := show(t, Config{Label: "convert"}, 0, func(b *Bar) {
		b.Add(123)
		time.Sleep(lineEvery)
	})
	if want := "convert: 123 B, 24 B/s\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTerminal(t *testing.T) {
	during, after := show(t, Config{Label: "send", Total: 1000}, 100, func(b *Bar) {
		b.Add(500)
		time.Sleep(drawEvery)
		synctest.Wait()
		b.Note("busy")
		time.Sleep(drawEvery)
	})
	const bar = "\r\x1b[Ksend  [============            ]  50 %  500 B of 1.00 kB  "
	if want := bar + "5.00 kB/s  1s left\r\x1b[Kbusy\n" + bar + "2.50 kB/s  1s left"; during != want {
		t.Errorf("got %q, want %q", during, want)
	}
	if after != during+"\r\x1b[K" {
		t.Errorf("the bar is not taken away at the end: %q", after)
	}
}

func TestNarrowTerminal(t *testing.T) {
	for _, width := range []int{1, 10, 40, 200} {
		during, _ := show(t, Config{Label: "sénd", Total: 1000}, width, func(b *Bar) {
			b.Add(5000)
			time.Sleep(drawEvery)
		})
		line := strings.TrimPrefix(during, "\r\x1b[K")
		if n := utf8.RuneCountInString(line); n >= width || !utf8.ValidString(line) {
			t.Errorf("a line of %d columns in a terminal of %d: %q", n, width, line)
		}
	}
}

func TestQuiet(t *testing.T) {
	_, got := show(t, Config{Label: "send", Quiet: true}, 80, func(b *Bar) {
		b.Add(1)
		time.Sleep(time.Minute)
		b.Note("busy")
	})
	if got != "busy\n" {
		t.Errorf("got %q, want the note alone", got)
	}
	var none *Bar
	stop := none.Start()
	none.Add(1)
	none.Note("x")
	stop()
}

func TestIsTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if IsTerminal(f) || New(f, Config{}).width != nil {
		t.Error("a file is taken for a terminal")
	}
}

func TestFormats(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 12_340: "12.3 kB", 999_400: "999 kB", 999_500: "1.00 MB",
		1_500_000_000: "1.50 GB", 1<<63 - 1: "9.22 EB", -1500: "-1.50 kB",
	} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %s, want %s", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		0: "0s", time.Millisecond: "1s", 59 * time.Second: "59s", 200 * time.Second: "3m20s",
		65 * time.Minute: "1h05m", 1000 * time.Hour: "days",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("%v prints as %s, want %s", d, got, want)
		}
	}
}

// A total that becomes known on the way, and one that begins anew.
func TestSet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		b := New(&out, Config{Label: "compact"})
		stop := b.Start()
		b.Set(250_000_000, 1_000_000_000)
		time.Sleep(5*time.Second + time.Millisecond)
		b.Set(0, 500_000_000)
		time.Sleep(5 * time.Second)
		stop()
		if got, want := out.String(), "compact: 25 %, 250 MB of 1.00 GB, 50.0 MB/s, 15s left\ncompact: 0 %, 0 B of 500 MB, 0 B/s\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}
