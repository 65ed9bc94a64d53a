// franz-go, by its callbacks where nobody waits and by ProduceSync where somebody does. README.md says what the
// arguments mean.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

const valueCount = 1024

var (
	words      = map[string]string{}
	values     [valueCount][]byte
	partitions int
	client     *kgo.Client
	failed     atomic.Int64
	latencies  samples
)

type samples struct {
	sync.Mutex
	list []time.Duration
}

func (s *samples) add(d time.Duration) {
	s.Lock()
	s.list = append(s.list, d)
	s.Unlock()
}

func number(name string) float64 {
	value, err := strconv.ParseFloat(words[name], 64)
	check(err)
	return value
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func record(i int) *kgo.Record {
	return &kgo.Record{Value: values[i%valueCount], Partition: int32(i % partitions)}
}

func onAnswer(_ *kgo.Record, err error) {
	if err != nil {
		failed.Add(1)
	}
}

func dispatch(until time.Time) int {
	i := 0
	for time.Now().Before(until) {
		for n := 0; n < 1000; n++ {
			client.Produce(context.Background(), record(i), onAnswer)
			i++
		}
	}
	return i
}

// Each of `concurrency` goroutines waits for `group` messages at a time.
func inGroups(until time.Time, concurrency, group int) int {
	var next atomic.Int64
	var all sync.WaitGroup
	for range concurrency {
		all.Go(func() {
			records := make([]*kgo.Record, group)
			for time.Now().Before(until) {
				from := int(next.Add(int64(group))) - group
				for n := range records {
					records[n] = record(from + n)
				}
				for _, result := range client.ProduceSync(context.Background(), records...) {
					onAnswer(result.Record, result.Err)
				}
			}
		})
	}
	all.Wait()
	return int(next.Load())
}

func oneByOne(until time.Time) int {
	i := 0
	for ; time.Now().Before(until); i++ {
		start := time.Now()
		onAnswer(nil, client.ProduceSync(context.Background(), record(i)).FirstErr())
		latencies.add(time.Since(start))
	}
	return i
}

func paced(until time.Time) int {
	start := time.Now()
	perSecond := number("rate")
	i := 0
	for time.Now().Before(until) {
		for due := int(time.Since(start).Seconds() * perSecond); i < due; i++ {
			dueAt := start.Add(time.Duration(float64(i) / perSecond * 1e9))
			client.Produce(context.Background(), record(i), func(_ *kgo.Record, err error) {
				onAnswer(nil, err)
				latencies.add(time.Since(dueAt))
			})
		}
		time.Sleep(time.Millisecond)
	}
	return i
}

func produce(seconds float64) int {
	until := time.Now().Add(time.Duration(seconds * 1e9))
	count := 0
	switch words["mode"] {
	case "dispatch":
		count = dispatch(until)
	case "one-by-one":
		count = oneByOne(until)
	case "paced":
		count = paced(until)
	default:
		count = inGroups(until, int(number("concurrency")), int(number("group")))
	}
	check(client.Flush(context.Background()))
	return count
}

func seconds(before, after syscall.Timeval) float64 {
	return float64(after.Nano()-before.Nano()) / 1e9
}

func main() {
	for _, pair := range os.Args[1:] {
		name, value, _ := strings.Cut(pair, "=")
		words[name] = value
	}
	corpus, err := os.ReadFile(words["corpus"])
	check(err)
	size := int(number("size"))
	for i := range values {
		at := i * size % (len(corpus) - size)
		values[i] = corpus[at : at+size]
	}
	partitions = int(number("partitions"))
	codecs := map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	}
	options := []kgo.Opt{
		kgo.SeedBrokers(strings.Split(words["servers"], ",")...),
		kgo.DefaultProduceTopic(words["topic"]),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerLinger(time.Duration(number("lingerMs") * 1e6)),
		kgo.ProducerBatchCompression(codecs[words["codec"]]),
		kgo.MaxBufferedRecords(int(number("queueMessages"))),
		kgo.MaxBufferedBytes(int(number("queueKbytes")) * 1024),
	}
	if words["idempotent"] != "true" {
		options = append(options, kgo.DisableIdempotentWrite())
	}
	client, err = kgo.NewClient(options...)
	check(err)

	warmUp := produce(number("warmUp"))
	latencies.list = nil
	var before, after syscall.Rusage
	var memoryBefore, memoryAfter runtime.MemStats
	runtime.ReadMemStats(&memoryBefore)
	syscall.Getrusage(syscall.RUSAGE_SELF, &before)
	start := time.Now()
	count := produce(number("seconds"))
	elapsed := time.Since(start).Seconds()
	syscall.Getrusage(syscall.RUSAGE_SELF, &after)
	runtime.ReadMemStats(&memoryAfter)
	client.Close()

	longest := uint64(0)
	for n := memoryBefore.NumGC; n < memoryAfter.NumGC; n++ {
		longest = max(longest, memoryAfter.PauseNs[n%uint32(len(memoryAfter.PauseNs))])
	}
	bad := int(failed.Load())
	result := map[string]any{
		"version":          version(),
		"warmUp":           warmUp,
		"acknowledged":     count - bad,
		"failed":           bad,
		"seconds":          elapsed,
		"cpuUserSeconds":   seconds(before.Utime, after.Utime),
		"cpuSystemSeconds": seconds(before.Stime, after.Stime),
		"peakRssBytes":     after.Maxrss * 1024,
		"gc": map[string]any{
			"seconds":   float64(memoryAfter.PauseTotalNs-memoryBefore.PauseTotalNs) / 1e9,
			"longestMs": float64(longest) / 1e6,
		},
		"latencyMs": percentiles(),
	}
	check(json.NewEncoder(os.Stdout).Encode(result))
}

func percentiles() map[string]float64 {
	list := latencies.list
	if len(list) == 0 {
		return nil
	}
	slices.Sort(list)
	at := func(share float64) float64 {
		return float64(list[min(len(list)-1, int(float64(len(list))*share))]) / 1e6
	}
	return map[string]float64{"p50": at(0.5), "p99": at(0.99), "p999": at(0.999), "max": at(1)}
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, module := range info.Deps {
		if module.Path == "github.com/twmb/franz-go" {
			return strings.TrimPrefix(module.Version, "v")
		}
	}
	return "?"
}
