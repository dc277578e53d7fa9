package access

import (
	"math"
	"sync"
	"time"

	"sluice/configs"
)

// burst is how many seconds' worth of a rate may come at once.
const burst = 10

// limits bound what one key sends.
type limits struct {
	mu      sync.Mutex // guards what follows
	records bucket
	bytes   bucket
	perDay  int64 // bytes; 0: no quota
	today   int64 // bytes sent on day
	day     int64 // since 1970, UTC
}

func newLimits(k configs.Key) *limits {
	if k.RecordsPerSecond == 0 && k.BytesPerSecond == 0 && k.BytesPerDay == 0 {
		return nil
	}
	return &limits{
		records: newBucket(float64(k.RecordsPerSecond)), bytes: newBucket(float64(k.BytesPerSecond)), perDay: int64(k.BytesPerDay),
	}
}

// take charges records and bytes at a time, or says how long to wait and charges
// nothing. What is asked for may be more than there is: it is then owed, and the
// wait of the next one is longer. So a request of any size passes in the end, and
// the rate holds over time.
func (l *limits) take(records int, bytes int64, now time.Time) (wait time.Duration, ok bool) {
	if l == nil {
		return 0, true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	wait = max(l.records.wait(now), l.bytes.wait(now))
	if l.perDay > 0 && l.today >= l.perDay {
		wait = time.Unix((l.day+1)*daySeconds, 0).Sub(now)
	}
	if wait > 0 {
		return wait, false
	}
	l.records.level -= float64(records)
	l.bytes.level -= float64(bytes)
	l.today += bytes
	return 0, true
}

// daySeconds is the length of a day of UTC in Unix time.
const daySeconds = 24 * 60 * 60

// turn begins a new day.
func (l *limits) turn(now time.Time) {
	if day := now.Unix() / daySeconds; day != l.day {
		l.day, l.today = day, 0
	}
}

// charge counts what was taken already.
func (l *limits) charge(records, bytes int64, now time.Time) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.turn(now)
	l.records.fill(now)
	l.bytes.fill(now)
	l.records.level -= float64(records)
	l.bytes.level -= float64(bytes)
	l.today += bytes
}

// A bucket fills at a rate up to burst seconds' worth.
type bucket struct {
	rate  float64 // a second; 0: no limit
	level float64 // negative: owed
	at    time.Time
}

func newBucket(rate float64) bucket { return bucket{rate: rate, level: rate * burst} }

// fill adds what came since the last time.
func (b *bucket) fill(now time.Time) {
	if !b.at.IsZero() {
		b.level = min(b.level+b.rate*max(now.Sub(b.at).Seconds(), 0), b.rate*burst)
	}
	b.at = now
}

// wait is how long until nothing is owed.
func (b *bucket) wait(now time.Time) time.Duration {
	b.fill(now)
	if b.rate == 0 || b.level > 0 {
		return 0
	}
	return time.Duration(math.Ceil((1 - b.level) / b.rate * float64(time.Second)))
}
