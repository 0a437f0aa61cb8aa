import Storage
import Transactions

/// What a constraint leaves of the whole numbers that a column can hold.
enum NumberBounds: Equatable {
    /// Anything: what is compared with cannot be told beforehand.
    case any
    /// Nothing.
    case none
    /// These.
    case range(ClosedRange<Int64>)

    /// The numbers that compare so with a value, by SQLite's rules for a column of integers.
    init(_ comparison: Comparison, _ value: SQLValue) {
        switch value {
        case .integer(let number): self = NumberBounds(comparison, number)
        case .real(let number): self = NumberBounds(comparison, number)
        // Texts that look like numbers count as such: SQLite looks itself.
        case .text, .blob: self = .any
        case .null: self = .none
        }
    }

    private init(_ comparison: Comparison, _ number: Int64) {
        switch comparison {
        case .equal: self = .range(number...number)
        case .greaterOrEqual: self = .range(number...Int64.max)
        case .lessOrEqual: self = .range(Int64.min...number)
        case .greater: self = number == .max ? .none : .range(number + 1...Int64.max)
        case .less: self = number == .min ? .none : .range(Int64.min...number - 1)
        case .limit, .offset: self = .any
        }
    }

    private init(_ comparison: Comparison, _ number: Double) {
        let (isAbove, isBelow) = (number >= 0x1p63, number < -0x1p63)
        guard !number.isNaN else {
            self = .any
            return
        }
        switch comparison {
        case .equal: self = Int64(exactly: number).map { .range($0...$0) } ?? .none
        case .greater, .greaterOrEqual:
            if isAbove {
                self = .none
            } else if isBelow {
                self = .any
            } else if number.rounded(.down) == number {
                self = NumberBounds(comparison, Int64(number))
            } else {
                self = NumberBounds(.greater, Int64(number.rounded(.down)))
            }
        case .less, .lessOrEqual:
            if isAbove {
                self = .any
            } else if isBelow {
                self = .none
            } else if number.rounded(.down) == number {
                self = NumberBounds(comparison, Int64(number))
            } else {
                self = NumberBounds(.lessOrEqual, Int64(number.rounded(.down)))
            }
        case .limit, .offset: self = .any
        }
    }

    /// The bounds of any of several values; of a list the span from the least to the greatest.
    init(_ comparison: Comparison, anyOf values: [SQLValue]) {
        self = .none
        for value in values {
            switch (self, NumberBounds(comparison, value)) {
            case (_, .none): break
            case (.any, _), (_, .any): self = .any
            case (.none, .range(let range)): self = .range(range)
            case (.range(let own), .range(let other)):
                self = .range(min(own.lowerBound, other.lowerBound)...max(own.upperBound, other.upperBound))
            }
        }
    }

    func contains(_ number: Int64) -> Bool {
        switch self {
        case .any: true
        case .none: false
        case .range(let range): range.contains(number)
        }
    }
}

/// What a constraint leaves of an ordered domain whose texts have the same order.
enum TextBounds {
    /// - Parameter isBefore: the domain's text at a place comes before what is compared with.
    static func range<Texts: RandomAccessTexts>(
        _ comparison: Comparison, anyOf values: [SQLValue], in texts: Texts
    ) -> NumberBounds {
        var bounds = NumberBounds.none
        for value in values {
            guard case .text(let text) = value else {
                if case .null = value { continue }
                return .any
            }
            let bytes = Array(text.utf8)
            let count = Int(texts.count)
            // The first place whose text is not before, and the first whose text is behind.
            let notBefore = partitionPoint(count) { texts.text(at: $0).lexicographicallyPrecedes(bytes) }
            let behind = partitionPoint(count) { !bytes.lexicographicallyPrecedes(texts.text(at: $0)) }
            let places: Range<Int> =
                switch comparison {
                case .equal: notBefore..<behind
                case .greater: behind..<count
                case .greaterOrEqual: notBefore..<count
                case .less: 0..<notBefore
                case .lessOrEqual: 0..<behind
                case .limit, .offset: 0..<count
                }
            guard let first = places.first, let last = places.last else { continue }
            let (lower, upper) = (texts.first + Int64(first), texts.first + Int64(last))
            if case .range(let known) = bounds {
                bounds = .range(min(known.lowerBound, lower)...max(known.upperBound, upper))
            } else {
                bounds = .range(lower...upper)
            }
        }
        return bounds
    }
}

/// Numbers in order, whose texts have the same order.
protocol RandomAccessTexts {
    /// The first number.
    var first: Int64 { get }
    /// How many there are.
    var count: Int64 { get }
    /// The text of the number at a place.
    func text(at place: Int) -> [UInt8]
}

/// Business days up to the year 9999. The first record may be of the evening before 1970, somewhere.
struct DayTexts: RandomAccessTexts {
    let first: Int64 = -2
    let count: Int64 = 2_932_896 + 3

    func text(at place: Int) -> [UInt8] { Array("\(CalendarDay(daysSince1970: Int32(place) - 2))".utf8) }
}

/// Moments from 1970 to the year 9999.
struct MomentTexts: RandomAccessTexts {
    let first: Int64 = 0
    let count: Int64 = 253_402_300_800_000_000

    func text(at place: Int) -> [UInt8] { Array(TimeText.text(ofMicroseconds: Int64(place)).utf8) }
}
