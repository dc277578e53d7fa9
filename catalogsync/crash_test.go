package catalogsync_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"sluice/catalogsync"
	"sluice/catalogsync/embedded"
	"sluice/internal/lake"
)

// crashFile, in the environment, makes this process the child that is killed.
const crashFile = "SLUICE_TEST_CRASH_CATALOG"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashFile); path != "" {
		if err := register(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// register adds a column and a partition after another, and says so of each
// that it was acknowledged.
func register(path string) error {
	server, err := embedded.Open(path)
	if err != nil {
		return err
	}
	ctx := context.Background()
	c, err := catalogsync.New(ctx, catalogsync.Config{Transport: server.Transport()})
	if err != nil {
		return err
	}
	for i := 0; ; i++ {
		want := purchasesTable()
		name := fmt.Sprintf("p%d_%d", os.Getpid(), i)
		want.Columns = append(want.Columns, lake.Column{Name: name, Type: lake.String})
		table, err := c.Ensure(ctx, want)
		if err != nil {
			return err
		}
		part := lake.Partition{Values: []string{name, "0"}, Location: table.Location + name + "/"}
		if err := c.AddPartitions(ctx, table, []lake.Partition{part}); err != nil {
			return err
		}
		fmt.Println(name)
	}
}

// TestKill kills a process that registers partitions, again and again, each time
// after another number of acknowledgements.
func TestKill(t *testing.T) {
	path := filepath.Join(t.TempDir(), "catalog.db")
	var acked []string
	for round := range 6 {
		acked = append(acked, killAfter(t, path, 3+7*round)...)
		server, err := embedded.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		c := newCatalog(t, catalogsync.Config{Transport: server.Transport()})
		table, err := c.Table(t.Context(), purchases)
		if err != nil {
			t.Fatal(err)
		}
		all, err := c.Partitions(t.Context(), purchases, "")
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, col := range table.Columns {
			found["column "+col.Name] = true
		}
		for _, p := range all {
			found["partition "+p.Values[0]] = true
		}
		for _, name := range acked {
			if !found["column "+name] || !found["partition "+name] {
				t.Fatalf("round %d: %s was acknowledged and is lost", round, name)
			}
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// killAfter runs the child until it acknowledged n names, and is all that it
// acknowledged before it was dead.
func killAfter(t *testing.T, path string, n int) (acked []string) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), crashFile+"="+path)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	for {
		line, err := lines.ReadString('\n')
		if err != nil { // dead; a line it did not finish does not count
			break
		}
		acked = append(acked, strings.TrimSpace(line))
		if len(acked) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	cmd.Wait() // killed: an error
	if len(acked) < n {
		t.Fatalf("the child ended after %d of %d: %s", len(acked), n, stderr.String())
	}
	return acked
}
