package main

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// A word that is no format is refused by every command that reports, and the formats are
// named.
func TestOutputFlag(t *testing.T) {
	n := 0
	var each func(c *cobra.Command)
	each = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			each(sub)
		}
		if c.Flags().Lookup("output") == nil {
			return
		}
		n++
		args := strings.Fields(c.CommandPath())[1:]
		if c.Name() == "query" {
			args = append(args, "select 1")
		}
		args = append(args, "--output", "xml")
		if c.Flags().Lookup("data-dir") != nil {
			args = append(args, "--data-dir", t.TempDir())
		}
		_, stderr, code := command(t, "", args...)
		if code != exitUsage || !strings.Contains(stderr, `xml`) || !strings.Contains(stderr, "json") {
			t.Errorf("%v: %d %s", args, code, stderr)
		}
	}
	each(newRoot())
	if n < 10 {
		t.Errorf("%d commands have --output", n)
	}
}
