package configs

import (
	"path/filepath"
	"time"
)

// Compaction says when serve makes large files of small ones.
type Compaction struct {
	Interval time.Duration `yaml:"interval"`  // how often serve looks; 0: never
	Target   Bytes         `yaml:"target"`    // of a file
	MinFiles int           `yaml:"min_files"` // small ones that are worth it
	After    time.Duration `yaml:"after"`     // since a partition's newest file
	Rate     Bytes         `yaml:"rate"`      // a second; 0: no bound
	Grace    time.Duration `yaml:"grace"`     // for which files stay where a partition was; at least twice query.timeout
}

func defaultCompaction() Compaction {
	return Compaction{Target: 512 * MiB, MinFiles: 8, After: 15 * time.Minute, Rate: 64 * MiB, Grace: time.Hour}
}

// CompactionDir holds what compaction is making.
func (c Config) CompactionDir() string { return filepath.Join(c.DataDir, "compaction") }

// RewritesDir holds which files were rewritten into tables with other partitions.
func (c Config) RewritesDir() string { return filepath.Join(c.DataDir, "rewrites") }

// compaction checks what no single setting shows.
func (k *checker) compaction(c Config) {
	if i := c.Compaction.Interval; i > 0 && i < time.Minute {
		k.add("compaction.interval", "found %s, want 0 for never or at least 1m", i)
	}
}
