/// Columns are cut into pieces of 256 values, at whose starts a reader can begin.
///
/// Whatever needs the values before (range coder, differences, lags, ranks of ids, places of patches) starts anew or says
/// where it stands at each piece, so that one row of a block of 65,536 costs a part of a piece and no more. 256 values
/// of any width are whole bytes.
enum Piece {
    /// Values of a piece; the last may have fewer.
    static let valueCount = 256

    /// Pieces of a column of `count` values.
    static func count(of count: Int) -> Int { (count + valueCount - 1) / valueCount }

    /// The values of a piece in a column of `count` values.
    static func range(_ piece: Int, of count: Int) -> Range<Int> {
        piece * valueCount..<min(count, (piece + 1) * valueCount)
    }
}
