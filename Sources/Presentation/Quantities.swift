/// A number with commas between its thousands: `26,000,000`.
public func formatCount(_ value: some BinaryInteger) -> String { groupedThousands(String(value)) }

/// Records a second, to three figures: `5.21 M/s`. `-` where no time has passed.
public func formatRate(_ count: Int, seconds: Double) -> String {
    guard seconds > 0 else { return "-" }
    return formatScaled(Double(count) / seconds, step: 1000, units: ["/s", "k/s", "M/s", "G/s"])
}

/// Bytes in binary units, to three figures: `1.40 GiB`.
public func formatBytes(_ count: Int) -> String {
    count < 1024
        ? "\(count) B" : formatScaled(Double(count), step: 1024, units: ["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

private func formatScaled(_ value: Double, step: Double, units: [String]) -> String {
    var (value, unit) = (value, 0)
    while value >= step * 0.9995, unit < units.count - 1 {
        value /= step
        unit += 1
    }
    let digits = unit == 0 ? 0 : value < 9.995 ? 2 : value < 99.95 ? 1 : 0
    return "\(fixedPoint(value, digits: digits)) \(units[unit])"
}

/// A number of 0 or more with exactly so many digits after the point.
func fixedPoint(_ value: Double, digits: Int) -> String {
    let scale = (0..<digits).reduce(1) { scale, _ in scale * 10 }
    let scaled = Int((value * Double(scale)).rounded())
    guard digits > 0 else { return groupedThousands("\(scaled)") }
    let fraction = String(scaled % scale)
    return "\(scaled / scale)." + String(repeating: "0", count: digits - fraction.count) + fraction
}

/// Digits, perhaps with a sign before and a fraction behind them, with commas between the thousands.
func groupedThousands(_ number: String) -> String {
    let bytes = Array(number.utf8)
    let digitsStart = bytes.prefix { $0 == UInt8(ascii: "-") }.count
    let digitsEnd = bytes.firstIndex(of: UInt8(ascii: ".")) ?? bytes.count
    guard digitsEnd - digitsStart > 3 else { return number }
    var grouped = Array(bytes[..<digitsStart])
    grouped.reserveCapacity(bytes.count + (digitsEnd - digitsStart) / 3)
    for place in digitsStart..<digitsEnd {
        if place > digitsStart, (digitsEnd - place) % 3 == 0 { grouped.append(UInt8(ascii: ",")) }
        grouped.append(bytes[place])
    }
    return String(decoding: grouped + bytes[digitsEnd...], as: UTF8.self)
}
