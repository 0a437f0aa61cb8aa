/// The names behind the codes, so that they can be declared to a ledger before the day is streamed.
extension ReferenceDay {
    /// A code and its name.
    public typealias Entry = (code: UInt32, name: String)

    /// 50 gateways, codes 1 to 50, by frequency.
    public static var sources: [Entry] { numbered("gateway", 1...Population.sourceCount, digits: 2) }

    /// 59 banks and wallets, codes 1 to 59, by frequency.
    public static var institutions: [Entry] { numbered("bank", 1...Population.institutionCount, digits: 2) }

    /// 1,600 commercial services, codes 1 to 1,600, and 200 public procedures, codes 10,001 to 10,200.
    public static var services: [Entry] {
        let procedures = Population.firstProcedure..<Population.firstProcedure + Population.procedureCount
        return numbered("service", 1...Population.commercialServiceCount, digits: 4)
            + procedures.map { (UInt32($0), "procedure-\(padded($0 - Population.firstProcedure + 1, 3))") }
    }

    private static func numbered(_ word: String, _ codes: ClosedRange<Int>, digits: Int) -> [Entry] {
        codes.map { (UInt32($0), "\(word)-\(padded($0, digits))") }
    }

    private static func padded(_ number: Int, _ digits: Int) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text
    }

    /// The 63 provinces and cities of Viet Nam until June 2025 with their official codes, by frequency.
    ///
    /// Source: the codes of the General Statistics Office of Viet Nam (Decision 124/2004/QD-TTg).
    public static var regions: [(code: UInt16, name: String)] {
        provinces.split(separator: "\n").map { line in
            let parts = line.split(separator: " ", maxSplits: 1)
            return (UInt16(parts[0])!, String(parts[1]))
        }
    }

    private static let provinces = """
        79 Hồ Chí Minh
        1 Hà Nội
        74 Bình Dương
        75 Đồng Nai
        48 Đà Nẵng
        31 Hải Phòng
        38 Thanh Hóa
        40 Nghệ An
        92 Cần Thơ
        89 An Giang
        27 Bắc Ninh
        80 Long An
        77 Bà Rịa - Vũng Tàu
        22 Quảng Ninh
        30 Hải Dương
        24 Bắc Giang
        66 Đắk Lắk
        56 Khánh Hòa
        68 Lâm Đồng
        82 Tiền Giang
        91 Kiên Giang
        34 Thái Bình
        36 Nam Định
        33 Hưng Yên
        87 Đồng Tháp
        52 Bình Định
        64 Gia Lai
        49 Quảng Nam
        25 Phú Thọ
        19 Thái Nguyên
        42 Hà Tĩnh
        60 Bình Thuận
        51 Quảng Ngãi
        83 Bến Tre
        46 Thừa Thiên Huế
        26 Vĩnh Phúc
        72 Tây Ninh
        94 Sóc Trăng
        96 Cà Mau
        14 Sơn La
        70 Bình Phước
        86 Vĩnh Long
        84 Trà Vinh
        37 Ninh Bình
        95 Bạc Liêu
        35 Hà Nam
        44 Quảng Bình
        54 Phú Yên
        17 Hòa Bình
        2 Hà Giang
        15 Yên Bái
        20 Lạng Sơn
        8 Tuyên Quang
        10 Lào Cai
        93 Hậu Giang
        67 Đắk Nông
        45 Quảng Trị
        11 Điện Biên
        58 Ninh Thuận
        62 Kon Tum
        4 Cao Bằng
        12 Lai Châu
        6 Bắc Kạn
        """
}
