package main

import (
	"bufio"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sluice/configs"

	"github.com/spf13/pflag"
)

func readme(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every metric of ours that a running service shows is in the README's table,
// and no other.
func TestMetricsAreDocumented(t *testing.T) {
	c := startServe(t, t.TempDir(), "SLUICE_STREAMS={s: {dedupe: {key: id}}}", "SLUICE_TABLES={s: {retention: {after: 400d}}}",
		"SLUICE_NATS_URL=embedded", "SLUICE_NATS_EMBEDDED_LISTEN=127.0.0.1:0", "SLUICE_SUBSCRIPTIONS={m: {jetstream: M}, c: {subject: c}}")
	c.send("s", numbered(0, 10))
	c.flush("s")
	c.row("select count(*) as n from s")
	resp, err := http.Get(c.url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	doc := readme(t)
	shown := map[string]bool{}
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		f := strings.Fields(lines.Text())
		if len(f) < 4 || f[1] != "TYPE" || !strings.HasPrefix(f[2], "sluice_") {
			continue
		}
		shown[f[2]] = true
		if !strings.Contains(doc, "| `"+f[2]+"` | "+f[3]+" |") {
			t.Errorf("the README does not list the %s %s", f[3], f[2])
		}
	}
	if len(shown) < 30 {
		t.Errorf("only %d metrics are shown", len(shown))
	}
	for _, line := range strings.Split(doc, "\n") {
		if name, ok := strings.CutPrefix(line, "| `sluice_"); ok {
			if name = "sluice_" + strings.Split(name, "`")[0]; !shown[name] {
				t.Errorf("the README lists %s, which no service shows", name)
			}
		}
	}
}

// Every command is in the README's table.
func TestCommandsAreDocumented(t *testing.T) {
	doc := readme(t)
	for _, c := range newRoot().Commands() {
		if name := c.Name(); name != "help" && name != "completion" && !strings.Contains(doc, "`"+name+"`") {
			t.Errorf("the README does not list the command %s", name)
		}
		if c.Example == "" && c.Name() != "help" {
			t.Errorf("the command %s has no example", c.Name())
		}
	}
	if configs.Sample == "" {
		t.Error("there is no sample configuration")
	}
}

// Commands share what a flag is written to; the default that one of them sets
// must not be another's.
func TestFlagsHaveTheirDefaults(t *testing.T) {
	for _, c := range newRoot().Commands() {
		c.Flags().VisitAll(func(f *pflag.Flag) {
			if f.Value.String() != f.DefValue {
				t.Errorf("sluice %s --%s is %q without being set, although its default is %q", c.Name(), f.Name, f.Value, f.DefValue)
			}
		})
	}
}
