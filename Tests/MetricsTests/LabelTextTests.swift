// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Metrics

@Suite("labels")
struct LabelTextTests {
  private func render(_ pairs: KeyValuePairs<String, String>) -> String {
    String(decoding: LabelText.render(pairs.map(\.key), pairs.map(\.value)), as: UTF8.self)
  }

  @Test("names that are the same to Prometheus are one label, with their values in order")
  func collision() {
    #expect(render(["a.b": "1", "c": "2", "a_b": "3"]) == #"a_b="1;3",c="2""#)
    #expect(render(["a.b": "", "a_b": "3"]) == #"a_b="3""#)
  }

  @Test("what Prometheus keeps for itself gets a prefix, and so does a digit in front")
  func prefix() {
    #expect(render(["__name__": "x", "2b": "y"]) == #"key___name__="x",key_2b="y""#)
  }

  @Test("values are escaped")
  func escaped() {
    #expect(render(["a": "\\ \" \n"]) == #"a="\\ \" \n""#)
  }
}
