package configs

import (
	"path/filepath"
	"time"
)

// Vacuum says how often what crashes left in the lake is looked for.
type Vacuum struct {
	Interval time.Duration `yaml:"interval"` // 0: never
	Grace    time.Duration `yaml:"grace"`    // for how long everything stays
	// Unregistered removes files in folders of partitions that the catalog does not have.
	Unregistered bool `yaml:"unregistered"`
}

// VacuumDir holds what was found when.
func (c Config) VacuumDir() string { return filepath.Join(c.DataDir, "vacuum") }
