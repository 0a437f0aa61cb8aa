/// How many columns of a terminal text takes, and what must not reach a terminal.
///
/// A grapheme cluster takes the width of its widest scalar: 0 for combining marks and other invisible ones, 2 for East
/// Asian wide and full-width ones and for emoji, 1 for the rest. So `Đà Nẵng` takes 7 columns whether its accents are
/// composed or not. Source: Unicode Standard Annex 11, East Asian Width.
public func displayWidth(_ text: String) -> Int {
    if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return text.utf8.count }
    return text.reduce(0) { $0 + displayWidth($1) }
}

/// Columns that one character takes: 0, 1 or 2.
public func displayWidth(_ character: Character) -> Int {
    if character.unicodeScalars.contains(where: { $0 == "\u{FE0F}" }) { return 2 }
    return character.unicodeScalars.reduce(0) { max($0, displayWidth($1)) }
}

private func displayWidth(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return scalar.value == 0xAD ? 0 : 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if scalar.properties.isEmojiPresentation { return 2 }
    return wideRanges.contains { $0.contains(scalar.value) } ? 2 : 1
}

/// The blocks whose characters are wide.
private let wideRanges: [ClosedRange<UInt32>] = [
    0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
    0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE10...0xFE19, 0xFE30...0xFE6F, 0xFF00...0xFF60,
    0xFFE0...0xFFE6, 0x16FE0...0x18CFF, 0x1AFF0...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD,
]

/// The text with everything that could move a cursor, turn writing round or break a line made visible: `\u{1B}` and the like.
public func harmless(_ text: String) -> String {
    if text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 }) { return text }
    guard text.unicodeScalars.contains(where: isHarmful) else { return text }
    return text.unicodeScalars.reduce(into: "") { result, scalar in
        if isHarmful(scalar) {
            result += "\\u{" + String(scalar.value, radix: 16, uppercase: true) + "}"
        } else {
            result.unicodeScalars.append(scalar)
        }
    }
}

private func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: true
    case .format: scalar != "\u{200D}"
    default: false
    }
}

/// The text filled up with spaces to `width` columns.
func padded(_ text: String, to width: Int, onTheLeft: Bool) -> String {
    let spaces = String(repeating: " ", count: max(0, width - displayWidth(text)))
    return onTheLeft ? spaces + text : text + spaces
}

/// The text, or as much of its beginning as fits into `width` columns with an ellipsis behind it.
func fitted(_ text: String, to width: Int) -> String {
    guard displayWidth(text) > width else { return text }
    var (result, used) = ("", 0)
    for character in text {
        guard used + displayWidth(character) <= width - 1 else { break }
        result.append(character)
        used += displayWidth(character)
    }
    return result + "…"
}
