extension BlockHeader {
    /// Values beyond which the column has none in this block, by what the directory says of it; nil where that says nothing.
    ///
    /// Blocks that cannot hold what is looked for are passed over by their headers alone.
    public func bounds(of column: Column) -> ClosedRange<UInt64>? {
        guard layout == .columns else { return nil }
        guard let descriptor = columns.first(where: { $0.number == column.rawValue }) else { return 0...0 }
        guard descriptor.transform == .none else { return nil }
        switch descriptor.codec {
        case .constant: return descriptor.reference...descriptor.reference
        case .packed, .compressed:
            let largest = descriptor.width == 0 ? 0 : UInt64.max >> UInt64(64 - descriptor.width)
            let (span, spanOverflows) = largest.multipliedReportingOverflow(by: descriptor.scale)
            let (end, endOverflows) = descriptor.reference.addingReportingOverflow(span)
            return spanOverflows || endOverflows ? nil : descriptor.reference...end
        case .patched, .dictionary, .rangeCoded: return nil
        }
    }
}
