// SPDX-License-Identifier: Apache-2.0
// The agent: what is started in which order, and stopped in the other.

internal import CApus
package import Config
package import Export
internal import Glibc
internal import Identity
package import Kernel
package import Metrics
internal import OTLP
internal import Platform
internal import Probes
internal import Serve

/// What a running agent shows of itself; every part may be read from any thread.
package struct AgentView: Sendable {
  package let store: MetricStore
  package let ledger: Ledger
  package let reports: [HookReport]
  package let budget: MemoryBudget
  /// nil when nothing listens.
  package let port: UInt16?
  private let workloads: Workloads

  fileprivate init(_ shared: SharedParts, reports: [HookReport], port: UInt16?) {
    store = shared.store
    ledger = shared.ledger
    budget = shared.budget
    workloads = shared.workloads
    self.reports = reports
    self.port = port
  }

  /// A workload of a snapshot, by its cgroup's path.
  package func name(of workload: UInt32) -> String { workloads.name(of: workload) }
}

/// Starts the agent, calls `whileRunning` and stops the agent when that returns.
///
/// Signals must be blocked before: the threads started here inherit that.
package func runAgent(
  _ settings: Settings, version: String, whileRunning: (AgentView) -> Void
) throws(AgentError) {
  let lock = try InstanceLock()
  let shared: SharedParts
  let exporter: Exporter
  (shared, exporter) = try makeShared(settings, version)
  let stop = (ring: StopFlag(), sample: StopFlag(), export: StopFlag())
  let probes: LoadedProbes
  do throws(KernelError) { probes = try LoadedProbes(settings) } catch { throw .kernel(error) }
  let events = try makeEvents()
  let loops = try makeLoops(settings, version, shared, events, probes)
  let health = Health([
    WatchedThread(
      name: "ring", heartbeat: loops.ring.heartbeat,
      waitMilliseconds: settings.buffers.wakeLatencyMilliseconds),
    WatchedThread(
      name: "sample", heartbeat: loops.sample.heartbeat,
      waitMilliseconds: Int(SampleLoop.tickMilliseconds)),
    WatchedThread(
      name: "export", heartbeat: exporter.heartbeat,
      waitMilliseconds: Exporter.waitMaxMilliseconds),
  ])
  let status = makeStatus(health, shared.ledger)
  let endpoint = try MetricsEndpoint(settings, shared, health, version)
  if let address = endpoint.address {
    try lock.publish(address: address, demands: endpoint.demands)
  }
  // libbpf has parsed the kernel's types for each object: megabytes that nobody needs any more.
  capus_release_memory()

  let threads = try Threads(loops.ring, loops.sample, exporter, stop, events)
  let reports: [HookReport]
  do throws(KernelError) { reports = try probes.attach() } catch {
    threads.stop(stop, events, exporter)
    throw .kernel(error)
  }
  health.setReady(true)
  announce(settings, shared, reports, listen: endpoint.address)
  whileRunning(AgentView(shared, reports: reports, port: endpoint.port))

  health.setReady(false)
  probes.detach()
  threads.stop(stop, events, exporter)
  account(shared.ledger)
  Log.info("stopped")
  _ = consume endpoint
  // Its file is ours only as long as the lock is.
  _ = consume status
  _ = consume lock
}

/// Wake-ups of the two loops that are not libcurl's.
private struct Events {
  let ring: Event
  let sample: Event
}

private func makeEvents() throws(AgentError) -> Events {
  do throws(SystemError) { return Events(ring: try Event(), sample: try Event()) } catch {
    throw .system(error)
  }
}

private func makeShared(
  _ settings: Settings, _ version: String
) throws(AgentError) -> (SharedParts, Exporter) {
  let destinations = Exporter.eventDestinations(settings)
  // Without any, events end in the metrics; the ledger says so by that name.
  let ledger = Ledger(
    kinds: eventKinds, destinations: destinations.isEmpty ? ["metrics"] : destinations)
  let exporter: Exporter
  do throws(ExportError) {
    exporter = try Exporter(settings, version: version, ledger: ledger)
  } catch {
    throw .export(error)
  }
  let store = MetricStore()
  let resources = ResourceBuilder(
    configured: settings.resourceAttributes.map { ($0.key, $0.value) })
  let pool = ArenaPool(
    arenaSize: MemoryBudget.arenaBytes(settings), idleMax: MemoryBudget.arenasIdle)
  let budget = MemoryBudget(settings, cpus: Features.possibleCPUs)
  let agent = resources.agent(version: version, serviceName: settings.serviceName)
  let shared = SharedParts(
    ledger: ledger, executions: ExecutionCounts(), intake: exporter.intake, store: store,
    instruments: Instruments(store, settings),
    workloads: Workloads(builder: resources, agentAttributes: agent), resources: resources,
    pool: pool, budget: budget, startUnixNanoseconds: Clock.shared.unixNanoseconds())
  return (shared, exporter)
}

private func makeLoops(
  _ settings: Settings, _ version: String, _ shared: SharedParts, _ events: Events,
  _ probes: borrowing LoadedProbes
) throws(AgentError) -> (ring: RingLoop, sample: SampleLoop) {
  let intake = shared.intake
  let sink = EventSink(
    privacy: settings.exec.args, charactersMax: settings.limits.attributeCharacters ?? .max,
    epochSeconds: shared.startUnixNanoseconds / 1_000_000_000,
    version: version, pool: shared.pool,
    sealing: EventSink.Sealing(
      byteCount: settings.export.batchBytes,
      ageNanoseconds: UInt64(settings.export.scheduleDelayMilliseconds) * 1_000_000,
      recordsMax: settings.limits.batchRecords),
    resources: shared.resources, ledger: shared.ledger, executions: shared.executions,
    publish: intake.takes(.logs) ? { intake.publish($0) } : nil)
  do throws(KernelError) {
    let reader = try probes.shared.events.makeReader()
    let wait = try makeWait(reader, events.ring)
    let ring = RingLoop(
      reader: reader, wait: wait, sink: sink,
      latencyMilliseconds: settings.buffers.wakeLatencyMilliseconds)
    let sample = SampleLoop(
      event: events.sample, cells: LedgerReader(probes.shared.ledger),
      samplers: try probes.makeSamplers(shared), runs: probes.runs, shared: shared,
      settings: settings, version: version)
    return (ring, sample)
  } catch {
    throw .kernel(error)
  }
}

private func makeWait(
  _ reader: borrowing EventReader, _ event: Event
) throws(KernelError) -> RingWait {
  do throws(SystemError) { return try RingWait(reader, event: event) } catch {
    throw .map("events", error)
  }
}

/// nil when it cannot be made, which keeps nobody from being served otherwise.
private func makeStatus(_ health: Health, _ ledger: Ledger) -> TextSocket? {
  do throws(ServeError) {
    return try TextSocket(path: AgentStatus.path) { AgentStatus(health, ledger).text }
  } catch {
    Log.warn("apus doctor will see less of this agent", ["error": "\(error)"])
    return nil
  }
}

private func announce(
  _ settings: Settings, _ shared: SharedParts, _ reports: [HookReport], listen: String?
) {
  for warning in settings.warnings { Log.warn("environment", ["problem": "\(warning)"]) }
  for note in settings.notes { Log.debug("environment", ["note": note]) }
  for report in reports {
    if let failure = report.failure {
      Log.warn("hook not taken", ["hook": report.hook, "why": failure])
    } else {
      Log.debug("hook taken", ["program": report.program, "hook": report.hook])
    }
  }
  let destinations = Exporter.destinations(settings)
  Log.info(
    "started",
    [
      "pid": "\(getpid())", "hooks": "\(reports.count { $0.failure == nil })",
      "destinations": destinations.isEmpty ? "none" : destinations.joined(separator: ","),
      "listen": listen ?? "off", "memory_limit_bytes": "\(shared.budget.total)",
    ])
}

/// The ledger as it closes: what the last batches came to is in no export and on no page.
private func account(_ ledger: Ledger) {
  for row in ledger.rows() where row.produced > 0 || row.pending != 0 {
    let dropped = row.dropped.filter { $0.count > 0 }
    let fields: KeyValuePairs = [
      "event": row.kind, "destination": row.destination, "produced": "\(row.produced)",
      "delivered": "\(row.delivered)", "pending": "\(row.pending)",
      "dropped": dropped.map { "\($0.loss.hop)/\($0.loss.reason):\($0.count)" }
        .joined(separator: ","),
    ]
    let isLossy = row.pending != 0 || dropped.contains { $0.loss.hop != "filter" }
    if isLossy { Log.warn("ledger", fields) } else { Log.info("ledger", fields) }
  }
}

/// The three threads, stopped in the order in which data flows.
private struct Threads: ~Copyable {
  private let ring: Thread
  private let sample: Thread
  private let export: Thread

  init(
    _ ringLoop: RingLoop, _ sampleLoop: SampleLoop, _ exporter: Exporter,
    _ stop: (ring: StopFlag, sample: StopFlag, export: StopFlag), _ events: Events
  ) throws(AgentError) {
    let (ringStop, sampleStop, exportStop) = stop
    func start(
      _ name: String, _ body: @escaping @Sendable () -> Void
    ) throws(AgentError) -> Thread {
      do throws(SystemError) { return try Thread(name, body: body) } catch {
        // Those that were started are joined once this throws, so they must be told to end before.
        for flag in [ringStop, sampleStop, exportStop] { flag.raise() }
        events.sample.raise()
        exporter.wake()
        throw .system(error)
      }
    }
    let export = try start("export") { exporter.run(until: exportStop) }
    let sample = try start("sample") { sampleLoop.run(until: sampleStop) }
    let ring = try start("ring") { ringLoop.run(until: ringStop) }
    self.ring = ring
    self.sample = sample
    self.export = export
  }

  consuming func stop(
    _ stop: (ring: StopFlag, sample: StopFlag, export: StopFlag), _ events: Events,
    _ exporter: Exporter
  ) {
    stop.ring.raise()
    events.ring.raise()
    ring.join()
    stop.sample.raise()
    events.sample.raise()
    sample.join()
    stop.export.raise()
    exporter.wake()
    export.join()
  }
}
