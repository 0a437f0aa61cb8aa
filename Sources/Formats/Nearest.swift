/// Finds what a mistyped word was probably meant to be.
enum Nearest {
    /// The candidate with the smallest edit distance (Wagner and Fischer, 1974), letters of both cases being equal; nil
    /// when even that one shares little with the word.
    static func match(_ word: String, among candidates: some Sequence<String>) -> String? {
        let letters = Array(word.lowercased().prefix(80))
        return candidates
            .map { (name: $0, distance: distance(letters, Array($0.lowercased().prefix(80)))) }
            .filter { $0.distance <= max(2, min(letters.count, $0.name.count) / 2) }
            .min { ($0.distance, $0.name) < ($1.distance, $1.name) }?
            .name
    }

    /// `; did you mean "..."?`, or nothing.
    static func suggestion(_ word: String, among candidates: some Sequence<String>) -> String {
        match(word, among: candidates).map { "; did you mean \"\($0)\"?" } ?? ""
    }

    private static func distance(_ a: [Character], _ b: [Character]) -> Int {
        var previous = Array(0...b.count)
        for (row, letter) in a.enumerated() {
            var current = [row + 1]
            for (column, other) in b.enumerated() {
                current.append(
                    min(previous[column + 1] + 1, current[column] + 1, previous[column] + (letter == other ? 0 : 1)))
            }
            previous = current
        }
        return previous[b.count]
    }
}
