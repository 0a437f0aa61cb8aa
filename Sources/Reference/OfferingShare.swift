import Transactions

/// What offerings are counted by.
public enum OfferingDimension: String, CaseIterable, Sendable {
    case agency
    case region
    case service

    /// Where the codes have names.
    public var space: NameSpace {
        switch self {
        case .agency: .payee
        case .region: .region
        case .service: .service
        }
    }

    func code(in entry: ReferenceEntry) -> UInt32 {
        switch self {
        case .agency: entry.codes[0]
        case .service: entry.codes[1]
        case .region: entry.codes[2]
        }
    }
}

/// An offering that is valid on a day.
public struct Offering: Hashable, Sendable {
    /// Which it is.
    public var entry: ReferenceEntry
    /// How much of it is online.
    public var level: OfferingLevel

    /// The service's code.
    public var service: UInt32 { entry.codes[1] }
    /// The region's code; 0: everywhere.
    public var region: UInt32 { entry.codes[2] }
}

/// How many of a group of offerings are at a level, and how many of them are used.
public struct OfferingCount: Hashable, Sendable {
    /// The codes of the group.
    public var codes: [UInt32]
    /// Offerings that are valid on the day.
    public var offerings = 0
    /// Those at the level or above.
    public var atLevel = 0
    /// Those with at least one request.
    public var requested = 0
}

extension ReferenceBook {
    /// The offerings that are valid on a day.
    public func offerings(on day: CalendarDay) -> [Offering] {
        entries(of: .offering).compactMap { entry in
            value(of: "level", of: entry, .offering, on: day).flatMap(OfferingLevel.init).map {
                Offering(entry: entry, level: $0)
            }
        }
    }

    /// Counts the offerings that are valid on a day, by group, in the order of the groups' codes.
    /// - Parameter isRequested: whether an offering had a request.
    public func countOfferings(
        on day: CalendarDay, by dimensions: [OfferingDimension], level: OfferingLevel,
        isRequested: (Offering) -> Bool
    ) -> [OfferingCount] {
        var counts: [[UInt32]: OfferingCount] = [:]
        if dimensions.isEmpty { counts[[]] = OfferingCount(codes: []) }
        for offering in offerings(on: day) {
            let codes = dimensions.map { $0.code(in: offering.entry) }
            counts[codes, default: OfferingCount(codes: codes)].offerings += 1
            if offering.level.number >= level.number { counts[codes]!.atLevel += 1 }
            if isRequested(offering) { counts[codes]!.requested += 1 }
        }
        return counts.values.sorted { $0.codes.lexicographicallyPrecedes($1.codes) }
    }
}
