/// What error texts may show of a value: at most 40 characters, without anything that could be an account number.
///
/// Twelve or more digits, also in groups parted by single blanks, hyphens or the like (colons apart, so that
/// times stay readable), are shown as asterisks.
/// Control characters are shown as question marks, so that a text stays on its line.
enum Excerpt {
    static let largestCharacterCount = 40
    static let fewestMaskedDigits = 12

    static func quoted(_ bytes: UnsafeBufferPointer<UInt8>) -> String {
        // Masking keeps lengths, so a longer piece than is shown decides about runs that begin in what is shown.
        quoted(String(decoding: bytes.prefix(4 * largestCharacterCount + 64), as: UTF8.self))
    }

    static func quoted(_ text: String) -> String { quoted(text, fewestMaskedDigits: fewestMaskedDigits) }

    /// A column of a header. Where the header is missing this is a value of the first row, of which nobody knows whether it
    /// is an account: five digits are masked already.
    static func quotedHeader(_ name: String) -> String { quoted(name, fewestMaskedDigits: 5) }

    private static func quoted(_ text: String, fewestMaskedDigits: Int) -> String {
        let shown = masked(Array(text.prefix(largestCharacterCount + 24)), fewestMaskedDigits)
        let isCut = shown.count > largestCharacterCount
        return "\"" + String(shown.prefix(largestCharacterCount)) + (isCut ? "...\"" : "\"")
    }

    private static func masked(_ characters: [Character], _ fewestMaskedDigits: Int) -> [Character] {
        var shown = characters.map { $0.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F } ? "?" : $0 }
        var position = 0
        while position < shown.count {
            guard isDigit(shown[position]) else {
                position += 1
                continue
            }
            let run = digits(of: shown, from: position)
            if run.count >= fewestMaskedDigits { run.forEach { shown[$0] = "*" } }
            position = run[run.count - 1] + 1
        }
        return shown
    }

    private static func digits(of characters: [Character], from start: Int) -> [Int] {
        var positions: [Int] = []
        for next in start..<characters.count {
            if isDigit(characters[next]) {
                positions.append(next)
            } else if characters[next].isLetter || characters[next] == ":" || positions.last != next - 1 {
                break
            }
        }
        return positions
    }

    private static func isDigit(_ character: Character) -> Bool {
        if let ascii = character.asciiValue { return Formats.isDigit(ascii) }
        return character.unicodeScalars.contains { $0.properties.numericType == .decimal }
    }
}
