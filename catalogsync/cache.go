package catalogsync

import (
	"crypto/sha256"
	"encoding/binary"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/glue/types"

	"sluice/internal/lake"
)

// What a cache holds at most.
const (
	maxCachedTables = 256
	// DefaultKnownPartitions is how many partitions are remembered as registered,
	// in about 60 bytes each.
	DefaultKnownPartitions = 200_000
)

// A cache remembers what the catalog said: tables, and which partitions are
// registered where, each for no longer than ttl. Other writers' changes are seen
// after that; what is remembered of partitions is forgotten at once when the table
// turns out to be another one, dropped and made anew.
type cache struct {
	ttl time.Duration // 0: nothing is remembered
	max int           // partitions in each half

	mu     sync.Mutex // guards all below
	tables map[lake.TableName]cachedTable
	// Partitions are in two halves: recent is filled until it is full or half of ttl
	// old, then it becomes old, and what was old is forgotten.
	recent, old map[partitionID]struct{}
	begun       time.Time // of recent
}

type cachedTable struct {
	table types.Table
	at    time.Time
}

// A partitionID stands for a partition at its location in one incarnation of a
// table: 128 bits of a SHA-256.
type partitionID [16]byte

func newCache(ttl time.Duration, known int) *cache {
	return &cache{
		ttl: ttl, max: max(known/2, 1), tables: map[lake.TableName]cachedTable{},
		recent: map[partitionID]struct{}{}, old: map[partitionID]struct{}{},
	}
}

// putTable remembers t, which is not changed afterwards.
func (c *cache) putTable(name lake.TableName, t *types.Table) {
	if c.ttl == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.tables[name]; !ok && len(c.tables) >= maxCachedTables {
		c.dropOldest()
	}
	c.tables[name] = cachedTable{*t, time.Now()}
}

func (c *cache) dropOldest() {
	var oldest lake.TableName
	var at time.Time
	for name, t := range c.tables {
		if at.IsZero() || t.at.Before(at) {
			oldest, at = name, t.at
		}
	}
	delete(c.tables, oldest)
}

// table is the table as it was no longer than ttl ago. Its parts are shared.
func (c *cache) table(name lake.TableName) (t *types.Table, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	found, ok := c.tables[name]
	if !ok || time.Since(found.at) >= c.ttl {
		return nil, false
	}
	return &found.table, true
}

// forgetTable has the next look at the table, and at its partitions, ask the
// catalog.
func (c *cache) forgetTable(name lake.TableName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.tables, name)
}

// forgetDatabase is forgetTable for all tables of a database.
func (c *cache) forgetDatabase(database string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for name := range c.tables {
		if name.Database == database {
			delete(c.tables, name)
		}
	}
}

// forgetPartitions has all partitions asked for again.
func (c *cache) forgetPartitions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.recent)
	clear(c.old)
}

// unknown is those of parts of which it is not remembered that they are registered; t
// is the table as it is remembered, nil if it is not.
func (c *cache) unknown(table lake.Table, t *types.Table, parts []lake.Partition) []lake.Partition {
	if t == nil {
		return parts
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.turn()
	shape := structs(table.Columns)
	var out []lake.Partition
	for _, p := range parts {
		id := identify(t, table.Name, shape, p)
		_, recent := c.recent[id]
		if _, old := c.old[id]; !recent && !old {
			out = append(out, p)
		}
	}
	return out
}

// registered remembers that the partitions are, with the table's columns. Those of a
// table that was not remembered before the catalog was asked for them are not: nothing
// would tell when it is another one, or when they were moved.
func (c *cache) registered(table lake.Table, t *types.Table, parts []lake.Partition) {
	if t == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	shape := structs(table.Columns)
	for _, p := range parts {
		c.turn()
		c.recent[identify(t, table.Name, shape, p)] = struct{}{}
	}
}

// turn begins a new half when it is time to. c.mu is held.
func (c *cache) turn() {
	if len(c.recent) < c.max && time.Since(c.begun) < c.ttl/2 {
		return
	}
	if time.Since(c.begun) >= c.ttl {
		clear(c.recent) // a half that nobody looked at for so long
	}
	c.old, c.recent, c.begun = c.recent, make(map[partitionID]struct{}), time.Now()
}

// identify tells apart whatever must not be taken for another: a table that was
// made anew has another time of creation, one whose structs have grown another shape,
// one of which a partition was moved, by anybody, other moves.
func identify(t *types.Table, name lake.TableName, shape string, p lake.Partition) (id partitionID) {
	h := sha256.New()
	put := func(s string) {
		var n [8]byte
		binary.LittleEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
	put(name.Database)
	put(name.Table)
	if t.CreateTime != nil {
		put(t.CreateTime.UTC().Format(time.RFC3339Nano))
	}
	put(shape)
	put(t.Parameters[ParamMoves])
	put(p.Location)
	for _, v := range p.Values {
		put(v)
	}
	copy(id[:], h.Sum(nil))
	return id
}
