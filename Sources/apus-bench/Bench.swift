// SPDX-License-Identifier: Apache-2.0
// What the hot paths cost: the encoder alone, the ring thread's whole path, and its allocations.

internal import Glibc

@main
enum Bench {
  private static let usage = """
    usage: apus-bench [RECORDS] [ROUNDS]     the OTLP encoder alone
           apus-bench batch RECORDS ROUNDS PATH  one batch, also written to PATH
           apus-bench ring [EXECS] [OPTIONS] execs in the ring, to sealed batches (root)
           apus-bench feed [RECORDS] [OPTIONS] copies of real records, to sealed batches (root)
           apus-bench scrape [SERIES] [OPTIONS] a page for Prometheus in each form
           apus-bench export [SERIES] an export of metrics, as totals and as deltas
      --program PATH  what is executed (.build/workloads/leaf, or /bin/true)
      --fills N       fills of the ring for each side (3)
      --hold N        batches kept in a queue before they are dropped (0)
      --cgroup PATH   only executions in this cgroup
      --json          one object a line
      --mark          SIGUSR1 before and after each scrape, for Tests/native/malloc_count.c
    """

  static func main() {
    do throws(BenchError) {
      let arguments = Array(CommandLine.arguments.dropFirst())
      switch arguments.first {
      case "batch": try BatchBench(arguments.dropFirst()).run()
      case "ring": try RingBench(BenchOptions(arguments.dropFirst(), count: 20_000)).run()
      case "feed": try FeedBench(BenchOptions(arguments.dropFirst(), count: 110_000)).run()
      case "scrape": try ScrapeBench(BenchOptions(arguments.dropFirst(), count: 10_000)).run()
      case "export": ExportBench(try BenchOptions(arguments.dropFirst(), count: 10_000)).run()
      default: try EncodeBench(arguments).run()
      }
    } catch {
      let text = Array("apus-bench: \(error)\n\(Bench.usage)\n".utf8)
      unsafe write(STDERR_FILENO, text, text.count)
      exit(error.isUsage ? 2 : 1)
    }
  }
}
