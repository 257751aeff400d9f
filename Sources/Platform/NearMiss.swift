// SPDX-License-Identifier: Apache-2.0
// Finds the word that was probably meant, for messages about unknown keys, options and commands.

package enum NearMiss {
  /// The candidate nearest to `word`, or nil when none is near enough to be worth saying.
  package static func suggestion(for word: String, among candidates: [String]) -> String? {
    var best: (candidate: String, distance: Int)?
    for candidate in candidates {
      let distance = distance(word, candidate)
      // One slip in three letters: more than that is another word, and a guess would mislead.
      guard distance <= max(1, min(word.utf8.count, candidate.utf8.count) / 3) else { continue }
      if best == nil || distance < (best?.distance ?? 0) { best = (candidate, distance) }
    }
    return best?.candidate
  }

  /// Edits between two words: insert, delete, replace, or swap two neighbours.
  package static func distance(_ first: String, _ second: String) -> Int {
    // Words of this length are no keys of ours, and the table below grows with both lengths.
    guard first.utf8.count <= 128, second.utf8.count <= 128 else { return Int.max }
    let a = Array(first.utf8)
    let b = Array(second.utf8)
    var beforeLast = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      row.reserveCapacity(b.count + 1)
      for j in 0..<b.count {
        let replaced = last[j] + (a[i] == b[j] ? 0 : 1)
        var cost = min(replaced, last[j + 1] + 1, row[j] + 1)
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
          cost = min(cost, beforeLast[j - 1] + 1)
        }
        row.append(cost)
      }
      beforeLast = last
      last = row
    }
    return last[b.count]
  }
}
