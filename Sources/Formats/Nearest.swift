/// Finds what a mistyped word was probably meant to be.
public enum Nearest {
    /// The candidate with the smallest edit distance (Wagner and Fischer, 1974), letters of both cases being equal; nil
    /// when even that one shares little with the word. Every row of a file may ask.
    public static func match(_ word: String, among candidates: some Sequence<String>) -> String? {
        let letters = letters(of: word)
        var nearest: (distance: Int, name: String)?
        for name in candidates {
            let others = self.letters(of: name)
            let most = max(2, min(letters.count, others.count) / 2)
            // So many letters have to be added or removed in any case.
            guard abs(letters.count - others.count) <= most else { continue }
            let found = (distance: distance(letters, others), name: name)
            if found.distance <= most, nearest.map({ found < $0 }) ?? true { nearest = found }
        }
        return nearest?.name
    }

    /// `; did you mean "..."?`, or nothing.
    public static func suggestion(_ word: String, among candidates: some Sequence<String>) -> String {
        match(word, among: candidates).map { "; did you mean \"\($0)\"?" } ?? ""
    }

    private static func letters(of word: String) -> [Unicode.Scalar] {
        Array(word.lowercased().unicodeScalars.prefix(80))
    }

    private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar]) -> Int {
        // The row of the table for the letters of `a` so far.
        var row = Array(0...b.count)
        for (count, letter) in a.enumerated() {
            var diagonal = row[0]
            row[0] = count + 1
            for column in 0..<b.count {
                let replaced = diagonal + (letter == b[column] ? 0 : 1)
                diagonal = row[column + 1]
                row[column + 1] = min(diagonal + 1, row[column] + 1, replaced)
            }
        }
        return row[b.count]
    }
}
