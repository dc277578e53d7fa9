package access_test

import (
	"testing"
	"testing/synctest"
	"time"

	"sluice/configs"
)

// Over time a key gets its rate, however it cuts what it sends; ten seconds' worth
// may come at once.
func TestRates(t *testing.T) {
	for _, tc := range []struct {
		name    string
		key     configs.Key
		records int
		bytes   int64
		worth   float64 // seconds of the rate that one request takes
	}{
		{"records", configs.Key{RecordsPerSecond: 100}, 10, 1, 0.1},
		{"bytes", configs.Key{BytesPerSecond: 1000}, 1, 500, 0.5},
		{"the slower one", configs.Key{BytesPerSecond: 1000, RecordsPerSecond: 1}, 2, 500, 2},
		{"larger than the burst", configs.Key{BytesPerSecond: 1000}, 1, 30_000, 30},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tc.key.SHA256 = hashOf(shopKey)
				g := open(t, map[string]configs.Key{"shop": tc.key})
				who, _ := g.FirehoseAccessKey(shopKey)
				begun, passed := time.Now(), 0
				for time.Since(begun) < 10*time.Minute {
					wait, ok := g.Limit(who, tc.records, tc.bytes)
					if ok {
						passed++
						continue
					}
					if wait <= 0 || wait > time.Minute {
						t.Fatalf("wait %v", wait)
					}
					time.Sleep(wait)
				}
				// What may be owed at the end is one request.
				if got, least, most := float64(passed)*tc.worth, 600.0, 610+2*tc.worth; got < least || got > most {
					t.Errorf("%.1f s' worth passed in 600 s, want %.1f to %.1f", got, least, most)
				}
			})
		})
	}
}

// What is charged afterwards is paid for before the next one.
func TestCharge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := open(t, map[string]configs.Key{"shop": {SHA256: hashOf(shopKey), BytesPerSecond: 10}})
		who, _ := g.FirehoseAccessKey(shopKey)
		if _, ok := g.Limit(who, 0, 0); !ok {
			t.Fatal("the first one waits")
		}
		g.Charge(who, 1, 1100)
		wait, ok := g.Limit(who, 0, 0)
		if ok || wait < 100*time.Second || wait > 101*time.Second {
			t.Errorf("1100 bytes at 10 a second, 100 at once: wait %v, %v", wait, ok)
		}
		time.Sleep(wait)
		if _, ok := g.Limit(who, 0, 0); !ok {
			t.Error("the wait was too short")
		}
		// Idle time does not add up beyond the burst.
		time.Sleep(24 * time.Hour)
		g.Charge(who, 1, 101)
		if _, ok := g.Limit(who, 0, 0); ok {
			t.Error("more than ten seconds' worth came at once")
		}
	})
}

func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC
		g := open(t, map[string]configs.Key{"shop": {SHA256: hashOf(shopKey), BytesPerDay: 1000}})
		who, _ := g.FirehoseAccessKey(shopKey)
		time.Sleep(5 * time.Hour)
		for range 2 {
			for i := range 2 {
				if _, ok := g.Limit(who, 1, 600); !ok {
					t.Fatalf("request %d of the day waits", i)
				}
			}
			left := 24*time.Hour - time.Duration(time.Now().UnixNano())%(24*time.Hour)
			if wait, ok := g.Limit(who, 1, 1); ok || wait != left {
				t.Errorf("over the quota: wait %v, %v; want %v", wait, ok, left)
			}
			time.Sleep(left)
		}
	})
}
