package configs

import (
	"path/filepath"
	"time"
)

// Checkpoints bounds what incremental queries remember.
type Checkpoints struct {
	Max     int `yaml:"max"`     // of them
	Batches int `yaml:"batches"` // whose order is remembered, of all streams together
	// Confirm is for how long an answer that was sent waits for its confirmation.
	Confirm time.Duration `yaml:"confirm"`
}

func defaultCheckpoints() Checkpoints {
	return Checkpoints{Max: 1000, Batches: 1_000_000, Confirm: 30 * time.Second}
}

// CheckpointsDir holds how far incremental queries have read.
func (c Config) CheckpointsDir() string { return filepath.Join(c.DataDir, "checkpoints") }
