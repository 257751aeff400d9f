// SPDX-License-Identifier: Apache-2.0
// One embedded BPF object: opened, adjusted, loaded, attached, and gone when it goes.

internal import CApus
public import CApusABI
internal import CLibbpf
internal import Glibc
internal import Platform

/// The two builds of each probe; see scripts/build-bpf.sh.
public enum HookVariant: String, Sendable {
  /// Typed tracepoints, fetching atomics, task storage: kernels from 5.12.
  case modern
  /// Raw tracepoints and hash maps: what refuses the former.
  case compatible
}

/// What became of one program.
public struct HookReport: Sendable {
  public let probe: StaticString
  public let program: String
  /// The hook as libbpf names it: "tp_btf/sched_switch".
  public let hook: String
  /// nil when attached, else why not.
  public let failure: String?
}

/// Owns an object, its programs' links and its maps.
///
/// Used by the thread that made it.
@safe
public struct BPFObject: ~Copyable {
  private let probe: StaticString
  private let handle: OpaquePointer
  private var links: [OpaquePointer] = unsafe []
  public private(set) var reports: [HookReport] = []
  public let variant: HookVariant
  /// Why this build was taken and no other, in words.
  public var choice = ""

  /// Opens the embedded object; nothing is in the kernel yet.
  ///
  /// `probe` is the NAME of bpf/NAME.bpf.c.
  public init(_ probe: StaticString, variant: HookVariant) throws(KernelError) {
    // A StaticString ends with NUL.
    let name = unsafe UnsafeRawPointer(probe.utf8Start).assumingMemoryBound(to: CChar.self)
    let embedded = unsafe capus_probe(name, variant == .compatible)
    guard unsafe embedded.bytes != nil else { throw .missing(object: probe, part: "bytes") }
    guard let handle = unsafe bpf_object__open_mem(embedded.bytes, embedded.size, nil) else {
      throw .open(object: probe, code: errno)
    }
    self.probe = probe
    self.variant = variant
    unsafe self.handle = handle
  }

  deinit {
    unlink()
    unsafe bpf_object__close(handle)
  }

  /// Sets what the verifier may take for constant; before `load`.
  public borrowing func set(knobs: apus_knobs) throws(KernelError) {
    let map = unsafe try find(map: ".rodata.knobs")
    var knobs = knobs
    let code = unsafe bpf_map__set_initial_value(map, &knobs, MemoryLayout<apus_knobs>.size)
    guard code == 0 else { throw .missing(object: probe, part: "room for the knobs") }
  }

  /// Uses a map that exists already in place of the object's own; before `load`.
  public borrowing func share(_ map: borrowing SharedMap) throws(KernelError) {
    let own = unsafe try find(map: map.name)
    let code = unsafe bpf_map__reuse_fd(own, map.descriptor.raw)
    guard code == 0 else { throw .map(map.name, SystemError("bpf_map__reuse_fd", code: -code)) }
  }

  /// Sets how many entries a map has; before `load`.
  public borrowing func resize(_ name: StaticString, entries: UInt32) throws(KernelError) {
    let map = unsafe try find(map: name)
    let code = unsafe bpf_map__set_max_entries(map, entries)
    guard code == 0 else {
      throw .map(name, SystemError("bpf_map__set_max_entries", code: -code))
    }
  }

  /// Leaves programs out whose section contains `hook`, and reports why; before `load`.
  public mutating func leaveOut(hook: String, why: String) {
    leaveOut(why) { _, section in section.contains(hook) }
  }

  /// Leaves a program out, and reports why; before `load`.
  public mutating func leaveOut(program name: String, why: String) {
    leaveOut(why) { program, _ in program == name }
  }

  private mutating func leaveOut(_ why: String, _ isMeant: (String, String) -> Bool) {
    var reports: [HookReport] = []
    unsafe forEachProgram { program, section in
      let name = unsafe String(cString: bpf_program__name(program))
      guard isMeant(name, section), unsafe bpf_program__autoload(program) else { return }
      unsafe bpf_program__set_autoload(program, false)
      reports.append(HookReport(probe: probe, program: name, hook: section, failure: why))
    }
    self.reports += reports
  }

  /// Leaves programs out whose section contains `hook`; before `load`.
  public borrowing func leaveOut(_ hook: String) {
    unsafe forEachProgram { program, section in
      if section.contains(hook) { unsafe bpf_program__set_autoload(program, false) }
    }
  }

  /// Sends records to `buffer`; before `load`.
  ///
  /// The map of the other kind is not made: only code refers to it that the verifier removes.
  public borrowing func share(_ buffer: borrowing EventBuffer) throws(KernelError) {
    let other = unsafe try find(map: buffer.isPerf ? "events" : "perf_events")
    unsafe bpf_map__set_autocreate(other, false)
    try share(buffer.map)
  }

  /// Whether the object declares a map.
  public borrowing func has(map name: StaticString) -> Bool {
    unsafe (unsafe try? find(map: name)) != nil
  }

  /// Creates maps and programs in the kernel.
  public borrowing func load() throws(KernelError) {
    let code = unsafe bpf_object__load(handle)
    guard code == 0 else { throw .load(object: probe, code: -code) }
  }

  /// Attaches all programs but those that are run, from the last of the file to the first; where a
  /// section contains one of `optional`, the kernel may refuse.
  ///
  /// A file has what begins before what ends, so what is seen to begin is also seen to end.
  ///
  /// `cgroup` is the directory, open, that cgroup programs are attached to; -1 has them refused.
  public mutating func attach(
    optional: [String] = [], cgroup: CInt = -1
  ) throws(KernelError) {
    var failure: KernelError?
    var reports: [HookReport] = []
    var links: [OpaquePointer] = unsafe []
    unsafe forEachProgram(.fromLast) { program, section in
      guard unsafe bpf_program__autoload(program), failure == nil else { return }
      guard !BPFObject.isRun(section) else { return }
      let name = unsafe String(cString: bpf_program__name(program))
      if section.hasPrefix("cgroup/"), cgroup < 0 {
        reports.append(
          HookReport(
            probe: probe, program: name, hook: section,
            failure: "the root of cgroup v2 is not mounted here"))
        return
      }
      let link =
        section.hasPrefix("cgroup/")
        ? unsafe bpf_program__attach_cgroup(program, cgroup) : unsafe bpf_program__attach(program)
      if let link = unsafe link {
        unsafe links.append(link)
        reports.append(HookReport(probe: probe, program: name, hook: section, failure: nil))
        return
      }
      let error = KernelError.attach(program: name, code: errno)
      guard optional.contains(where: { section.contains($0) }) else {
        failure = error
        return
      }
      reports.append(
        HookReport(probe: probe, program: name, hook: section, failure: "\(error)"))
    }
    unsafe self.links += links
    self.reports += reports.reversed()
    if let failure { throw failure }
  }

  /// Programs that are not attached to anything: iterators, and those of SEC("raw_tp").
  private static func isRun(_ section: String) -> Bool {
    section.hasPrefix("iter/") || section == "raw_tp"
  }

  /// Runs the object's iterators once, from the first element to the last.
  public borrowing func runIterators() throws(KernelError) {
    var failure: KernelError?
    unsafe forEachProgram { program, section in
      guard section.hasPrefix("iter/"), unsafe bpf_program__autoload(program), failure == nil
      else { return }
      do throws(SystemError) { unsafe try BPFObject.iterate(program) } catch {
        failure = .attach(
          program: unsafe String(cString: bpf_program__name(program)), code: error.code)
      }
    }
    if let failure { throw failure }
  }

  private static func iterate(_ program: OpaquePointer) throws(SystemError) {
    guard let link = unsafe bpf_program__attach_iter(program, nil) else {
      throw .current("bpf_program__attach_iter")
    }
    defer { unsafe bpf_link__destroy(link) }
    let raw = unsafe bpf_iter_create(bpf_link__fd(link))
    guard raw >= 0 else { throw .current("bpf_iter_create") }
    let iterator = Descriptor(owning: raw)
    // The program writes nothing: a read works through a stretch of the elements.
    var room: [UInt8] = Array(repeating: 0, count: 4096)
    while true {
      let count = unsafe read(iterator.raw, &room, room.count)
      if count == 0 { return }
      if count < 0, errno != EAGAIN, errno != EINTR { throw .current("read") }
    }
  }

  /// Runs a program of SEC("raw_tp") once, here and now.
  public borrowing func run(_ name: String) throws(KernelError) {
    guard let program = unsafe bpf_object__find_program_by_name(handle, name),
      unsafe bpf_program__autoload(program)
    else { return }
    var options = unsafe bpf_test_run_opts()
    unsafe options.sz = MemoryLayout<bpf_test_run_opts>.size
    guard unsafe bpf_prog_test_run_opts(bpf_program__fd(program), &options) == 0 else {
      throw .attach(program: name, code: errno)
    }
  }

  /// Takes the programs off their hooks, from the first of the file to the last; the maps stay
  /// readable.
  public mutating func detach() {
    unlink()
    unsafe links = []
  }

  private borrowing func unlink() {
    for index in unsafe links.indices.reversed() { unsafe bpf_link__destroy(links[index]) }
  }

  /// Of the programs that are loaded, borrowed: they are closed with the object.
  var programDescriptors: [CInt] {
    var descriptors: [CInt] = []
    unsafe forEachProgram { program, _ in
      let descriptor = unsafe bpf_program__fd(program)
      if descriptor >= 0 { descriptors.append(descriptor) }
    }
    return descriptors
  }

  /// A map's descriptor, borrowed: it is closed with the object.
  public borrowing func descriptor(of map: StaticString) throws(KernelError) -> CInt {
    unsafe bpf_map__fd(try find(map: map))
  }

  private borrowing func find(map name: StaticString) throws(KernelError) -> OpaquePointer {
    // A StaticString ends with NUL.
    let text = unsafe UnsafeRawPointer(name.utf8Start).assumingMemoryBound(to: CChar.self)
    guard let map = unsafe bpf_object__find_map_by_name(handle, text) else {
      throw .missing(object: probe, part: name)
    }
    return unsafe map
  }

  private enum FileOrder { case fromFirst, fromLast }

  private borrowing func forEachProgram(
    _ order: FileOrder = .fromFirst, _ body: (OpaquePointer, String) -> Void
  ) {
    let step =
      order == .fromFirst ? unsafe bpf_object__next_program : unsafe bpf_object__prev_program
    var program = unsafe step(handle, nil)
    while let current = unsafe program {
      unsafe body(current, String(cString: bpf_program__section_name(current)))
      unsafe program = step(handle, current)
    }
  }
}
