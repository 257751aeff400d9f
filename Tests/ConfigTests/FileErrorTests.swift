// SPDX-License-Identifier: Apache-2.0
// What a file may not say, with the exact sentence that a user gets.

import Config
import Testing

@Suite("a wrong file is refused with place, key, what is wrong and what is right")
struct FileErrorTests {
  static let cases: [(yaml: String, message: String)] = [
    ("exce:\n  args: full", "apus.yaml:1:1: exce: unknown key; did you mean exec?"),
    ("exec:\n  arg: full", "apus.yaml:2:3: exec.arg: unknown key; did you mean args?"),
    ("exec:\n  agrs: full", "apus.yaml:2:3: exec.agrs: unknown key; did you mean args?"),
    (
      "exec:\n  colour: full",
      "apus.yaml:2:3: exec.colour: unknown key; known here: enabled, args, failed"
    ),
    (
      "telemetry: 1",
      "apus.yaml:1:1: telemetry: unknown key; known here: exec, runqlat, tcpconnect, "
        + "tcpretrans, biolatency, sockets, hooks, buffer, buffers, export, metrics, file, listen, "
        + "resource, log, http, prometheus"
    ),
    (
      "export:\n  logs:\n    endpont: http://a",
      "apus.yaml:3:5: export.logs.endpont: unknown key; did you mean endpoint?"
    ),
    (
      "exec:\n  args: ful",
      "apus.yaml:2:9: exec.args: \"ful\" is not one of the choices; "
        + "write full, redacted or none (did you mean full?)"
    ),
    (
      "exec:\n  args: Full",
      "apus.yaml:2:9: exec.args: \"Full\" is not one of the choices; "
        + "write full, redacted or none (did you mean full?)"
    ),
    (
      "exec:\n  args: everything",
      "apus.yaml:2:9: exec.args: \"everything\" is not one of the choices; "
        + "write full, redacted or none"
    ),
    (
      "exec:\n  enabled: yes",
      "apus.yaml:2:12: exec.enabled: \"yes\" is not a boolean; write true or false"
    ),
    (
      "exec:\n  enabled: 'true'",
      "apus.yaml:2:12: exec.enabled: \"true\" is quoted and so is text; "
        + "write true or false, without quotation marks"
    ),
    (
      "exec:\n  enabled:",
      "apus.yaml:2:11: exec.enabled: has no value; write true or false, or leave the key out"
    ),
    (
      "exec:\n  enabled: [true]",
      "apus.yaml:2:12: exec.enabled: is a list; write true or false"
    ),
    ("exec: full", "apus.yaml:1:7: exec: is a single value; write a mapping of keys"),
    ("- exec", "apus.yaml:1:1: is a list; write a mapping of keys"),
    (
      "exec:\n  args: full\n  args: none",
      "apus.yaml:3:3: exec.args: is written twice, first in line 2; remove one of them"
    ),
    (
      "exec:\n  args: full\nlisten: off\nexec:\n  failed: true",
      "apus.yaml:4:1: exec: is written twice, first in line 1; remove one of them"
    ),
    (
      "exec: &a\n  args: full",
      "apus.yaml:1:7: exec: has an anchor (&); write the value out where it is needed"
    ),
    ("exec:\n  args: *a", "apus.yaml:2:9: exec.args: is an alias (*); write the value out here"),
    (
      "exec:\n  args: !!str full",
      "apus.yaml:2:9: exec.args: has a tag (!); remove it, types are known from the key"
    ),
    (
      "listen: off\n---\nlisten: off",
      "apus.yaml:2:1: a second document begins here; keep one document and remove the '---'"
    ),
    (
      "exec:\n\targs: full",
      "apus.yaml:2:1: exec: is not YAML (found character that cannot start any token); "
        + "mend the syntax at this place"
    ),
    ("? [a]\n: b", "apus.yaml:1:3: the key is not a plain word; write 'key: value'"),
    (
      "a: [[[[[[[[[1]]]]]]]]]",
      "apus.yaml:1:11: a: is nested deeper than 8 levels; no key of ours lies that deep"
    ),
    (
      "runqlat:\n  cgroups: 8",
      "apus.yaml:2:12: runqlat.cgroups: \"8\" is out of range; "
        + "write a whole number from 16 to 4096 (cgroups)"
    ),
    (
      "runqlat:\n  cgroups: many",
      "apus.yaml:2:12: runqlat.cgroups: \"many\" is not a whole number; "
        + "write a whole number from 16 to 4096 (cgroups)"
    ),
    (
      "runqlat:\n  cgroups: +256",
      "apus.yaml:2:12: runqlat.cgroups: \"+256\" is not a whole number; "
        + "write a whole number from 16 to 4096 (cgroups)"
    ),
    (
      "runqlat:\n  cgroups: 99999999999999999999",
      "apus.yaml:2:12: runqlat.cgroups: \"99999999999999999999\" is not a whole number; "
        + "write a whole number from 16 to 4096 (cgroups)"
    ),
    (
      "buffers:\n  ring: 1000000",
      "apus.yaml:2:9: buffers.ring: \"1000000\" is not a size with KiB, MiB or GiB; "
        + "write a power of two from 64KiB to 64MiB, such as 1MiB"
    ),
    (
      "buffers:\n  ring: 3MiB",
      "apus.yaml:2:9: buffers.ring: \"3MiB\" is not a power of two; "
        + "write a power of two from 64KiB to 64MiB, such as 1MiB"
    ),
    (
      "buffers:\n  ring: 128MiB",
      "apus.yaml:2:9: buffers.ring: \"128MiB\" is out of range; "
        + "write a power of two from 64KiB to 64MiB, such as 1MiB"
    ),
    (
      "buffers:\n  ring: 1MB",
      "apus.yaml:2:9: buffers.ring: \"1MB\" is not a size with KiB, MiB or GiB; "
        + "write a power of two from 64KiB to 64MiB, such as 1MiB"
    ),
    (
      "buffers:\n  wake_latency: 100",
      "apus.yaml:2:17: buffers.wake_latency: \"100\" is not a duration with ms, s, m or h; "
        + "write a duration from 1ms to 10s, such as 500ms or 10s"
    ),
    (
      "buffers:\n  wake_latency: 1m",
      "apus.yaml:2:17: buffers.wake_latency: \"1m\" is out of range; "
        + "write a duration from 1ms to 10s, such as 500ms or 10s"
    ),
    (
      "metrics:\n  interval: -5s",
      "apus.yaml:2:13: metrics.interval: \"-5s\" is not a duration with ms, s, m or h; "
        + "write a duration from 100ms to 24h, such as 500ms or 10s"
    ),
    (
      "export:\n  protocol: http/xml",
      "apus.yaml:2:13: export.protocol: \"http/xml\" is not one of the choices; "
        + "write http/protobuf, http/json or grpc"
    ),
    (
      "export:\n  client_key: /k\n  endpoint: http://c",
      "apus.yaml:2:15: export.client_key: stands without export.client_certificate; "
        + "give both, or neither"
    ),
    (
      "export:\n  client_certificate: /c\n  endpoint: http://c",
      "apus.yaml:2:23: export.client_certificate: stands without export.client_key; "
        + "give both, or neither"
    ),
    (
      "export:\n  endpoint: http://c\n  logs:\n    client_key: /k",
      "apus.yaml:4:17: export.logs.client_key: stands without export.client_certificate; "
        + "give both, or neither"
    ),
    (
      "export:\n  proxy: secret",
      "apus.yaml:2:10: export.proxy: begins with no known scheme; "
        + "write http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, or off"
    ),
    (
      "export:\n  proxy: http://user:secret@/path",
      "apus.yaml:2:10: export.proxy: is not a scheme, a host and a port; "
        + "write http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, or off"
    ),
    (
      "export:\n  proxy: http://user:secret@host:99999",
      "apus.yaml:2:10: export.proxy: is not a scheme, a host and a port; "
        + "write http://HOST:PORT, https://HOST:PORT or socks5h://HOST:PORT, or off"
    ),
    (
      "export:\n  max_request_bytes: 1KiB",
      "apus.yaml:2:22: export.max_request_bytes: \"1KiB\" is out of range; "
        + "write a size from 4KiB to 1GiB, such as 1MiB"
    ),
    (
      "export:\n  batch_bytes: 64KiB\n  max_request_bytes: 32KiB",
      "apus.yaml:3:22: export.max_request_bytes: a batch of 64KiB does not fit a request of "
        + "32KiB; write export.max_request_bytes larger than export.batch_bytes"
    ),
    (
      "export:\n  endpoint: unix:relative.sock",
      "apus.yaml:2:13: export.endpoint: \"unix:relative.sock\" has no absolute path; "
        + "write unix:///run/NAME.sock"
    ),
    (
      "export:\n  endpoint: ftp://a",
      "apus.yaml:2:13: export.endpoint: \"ftp://a\" is none of http, https and unix; "
        + "write http://HOST:PORT or https://HOST:PORT, with a path if need be, or unix:///SOCKET"
    ),
    (
      "export:\n  endpoint: collector:4318",
      "apus.yaml:2:13: export.endpoint: \"collector:4318\" has no http:// or https://; "
        + "write \"http://collector:4318\", or set the protocol to grpc"
    ),
    (
      "export:\n  endpoint: http://collector:0",
      "apus.yaml:2:13: export.endpoint: \"http://collector:0\" has no port from 1 to 65535 after "
        + "the colon; "
        + "write http://HOST:PORT or https://HOST:PORT, with a path if need be, or unix:///SOCKET"
    ),
    (
      "export:\n  endpoint: http://:4318",
      "apus.yaml:2:13: export.endpoint: \"http://:4318\" has no valid host; "
        + "write http://HOST:PORT or https://HOST:PORT, with a path if need be, or unix:///SOCKET"
    ),
    (
      "export:\n  endpoint: http://[zz]:1",
      "apus.yaml:2:13: export.endpoint: \"http://[zz]:1\" has no valid host; "
        + "write http://HOST:PORT or https://HOST:PORT, with a path if need be, or unix:///SOCKET"
    ),
    (
      "export:\n  endpoint: http://user:secret@collector",
      "apus.yaml:2:13: export.endpoint: holds credentials (…@host); "
        + "remove them and send them as a header"
    ),
    (
      "export:\n  headers: a=b",
      "apus.yaml:2:12: export.headers: is a single value; write a mapping of names to values"
    ),
    (
      "export:\n  headers:\n    'x y': b",
      "apus.yaml:3:5: export.headers: pair 1 (\"x y\") is not named as a header; "
        + "use letters, digits and -"
    ),
    (
      "export:\n  headers:\n    key: \"a\\nb: c\"",
      "apus.yaml:3:5: export.headers: pair 1 (\"key\") holds a control character; remove it"
    ),
    (
      "export:\n  logs:\n    exporter: [otlp, none]",
      "apus.yaml:3:15: export.logs.exporter: \"otlp,none\" joins none with others; "
        + "write none alone, or leave it out"
    ),
    (
      "export:\n  batch_bytes: 4MiB",
      "apus.yaml:2:16: export.batch_bytes: \"4MiB\" is out of range; "
        + "write a size from 4KiB to 3MiB, such as 1MiB"
    ),
    (
      "export:\n  queue: 64KiB\n  batch_bytes: 1MiB",
      "apus.yaml:3:16: export.batch_bytes: a batch of 1MiB does not fit a queue of 64KiB; "
        + "write export.batch_bytes no larger than export.queue"
    ),
    (
      "export:\n  queue: 64KiB",
      "apus.yaml:2:10: export.queue: a batch of 512KiB does not fit a queue of 64KiB; "
        + "write export.batch_bytes no larger than export.queue"
    ),
    (
      "listen: 9464",
      "apus.yaml:1:9: listen: \"9464\" is not an address and port; "
        + "write ADDRESS:PORT such as 127.0.0.1:9464, or off"
    ),
    (
      "listen: ':9464'",
      "apus.yaml:1:9: listen: \":9464\" does not begin with an IPv4 address or [IPv6 address]; "
        + "write ADDRESS:PORT such as 127.0.0.1:9464, or off"
    ),
    (
      "listen: 127.0.0.1:99999",
      "apus.yaml:1:9: listen: port 99999 is out of range; write a port from 0 to 65535"
    ),
    (
      "resource:\n  attributes:\n    a: [b]",
      "apus.yaml:3:8: resource.attributes.a: is a list; write text"
    ),
    (
      "log:\n  level: warning",
      "apus.yaml:2:10: log.level: \"warning\" is not one of the choices; "
        + "write error, warn, info or debug"
    ),
  ]

  @Test("each wrong file gets its own sentence", arguments: cases)
  func refused(yaml: String, message: String) {
    #expect(refusal(yaml) == message)
  }

  @Test("bytes that are no UTF-8 are refused at their line")
  func notUTF8() {
    let bytes = Array("listen: off\nlog: ".utf8) + [0xff, 0xfe]
    let error = #expect(throws: ConfigError.self) {
      try Settings.resolve(yaml: bytes, fileName: "apus.yaml", environment: { _ in nil })
    }
    #expect(
      error?.description
        == "apus.yaml:2:6: is not YAML (invalid leading UTF-8 octet); mend the syntax at this place"
    )
  }

  @Test("64 KiB are read and one byte more is refused")
  func largeFile() throws {
    let limit = Limits.fileBytes
    let comment = "#" + String(repeating: "x", count: limit - 1)
    #expect(refusal(comment) == nil)
    #expect(
      refusal(comment + "x")
        == "apus.yaml:1:1: is larger than 64 KiB; a configuration fits in that, remove text")
  }

  @Test("a missing file and a directory are refused by name")
  func unreadable() {
    func message(_ path: String) -> String? {
      do throws(ConfigError) {
        _ = try Settings.load(file: path, environment: { _ in nil })
        return nil
      } catch { return error.description }
    }
    #expect(
      message("/nonexistent.yaml")
        == "/nonexistent.yaml: cannot be read (No such file or directory); "
        + "give a file that this user may read")
    #expect(message("/etc") == "/etc:1:1: is not a regular file; give a YAML file")
  }

  @Test("an empty file, a comment and empty sections are the defaults")
  func emptyFiles() {
    for yaml in ["", "# nothing\n", "---\n", "exec:\nexport:\n  logs:\n"] {
      #expect(refusal(yaml) == nil, "\(yaml)")
    }
  }
}
