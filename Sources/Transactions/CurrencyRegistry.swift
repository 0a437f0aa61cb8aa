// ISO 4217 list one: numeric and alphabetic code by the number of minor-unit digits.
// Codes without a minor unit (metals, test, "no currency") count whole units.

extension Currency {
    static let registry: [(minorUnitDigits: Int, codes: String)] = [
        (
            0,
            """
            108 BIF, 152 CLP, 174 KMF, 262 DJF, 324 GNF, 352 ISK, 392 JPY, 410 KRW, 548 VUV, 600 PYG, 646 RWF, 704 VND,
            800 UGX, 940 UYI, 950 XAF, 952 XOF, 953 XPF, 955 XBA, 956 XBB, 957 XBC, 958 XBD, 959 XAU, 960 XDR, 961 XAG,
            962 XPT, 963 XTS, 964 XPD, 965 XUA, 994 XSU, 999 XXX
            """
        ),
        (
            2,
            """
            008 ALL, 012 DZD, 032 ARS, 036 AUD, 044 BSD, 050 BDT, 051 AMD, 052 BBD, 060 BMD, 064 BTN, 068 BOB, 072 BWP,
            084 BZD, 090 SBD, 096 BND, 104 MMK, 116 KHR, 124 CAD, 132 CVE, 136 KYD, 144 LKR, 156 CNY, 170 COP, 188 CRC,
            192 CUP, 203 CZK, 208 DKK, 214 DOP, 222 SVC, 230 ETB, 232 ERN, 238 FKP, 242 FJD, 270 GMD, 292 GIP, 320 GTQ,
            328 GYD, 332 HTG, 340 HNL, 344 HKD, 348 HUF, 356 INR, 360 IDR, 364 IRR, 376 ILS, 388 JMD, 396 XAD, 398 KZT,
            404 KES, 408 KPW, 417 KGS, 418 LAK, 422 LBP, 426 LSL, 430 LRD, 446 MOP, 454 MWK, 458 MYR, 462 MVR, 480 MUR,
            484 MXN, 496 MNT, 498 MDL, 504 MAD, 516 NAD, 524 NPR, 532 XCG, 533 AWG, 554 NZD, 558 NIO, 566 NGN, 578 NOK,
            586 PKR, 590 PAB, 598 PGK, 604 PEN, 608 PHP, 634 QAR, 643 RUB, 654 SHP, 682 SAR, 690 SCR, 702 SGD, 706 SOS,
            710 ZAR, 728 SSP, 748 SZL, 752 SEK, 756 CHF, 760 SYP, 764 THB, 776 TOP, 780 TTD, 784 AED, 807 MKD, 818 EGP,
            826 GBP, 834 TZS, 840 USD, 858 UYU, 860 UZS, 882 WST, 886 YER, 901 TWD, 924 ZWG, 925 SLE, 926 VED, 928 VES,
            929 MRU, 930 STN, 933 BYN, 934 TMT, 936 GHS, 938 SDG, 941 RSD, 943 MZN, 944 AZN, 946 RON, 947 CHE, 948 CHW,
            949 TRY, 951 XCD, 967 ZMW, 968 SRD, 969 MGA, 970 COU, 971 AFN, 972 TJS, 973 AOA, 976 CDF, 977 BAM, 978 EUR,
            979 MXV, 980 UAH, 981 GEL, 984 BOV, 985 PLN, 986 BRL, 997 USN
            """
        ),
        (
            3,
            """
            048 BHD, 368 IQD, 400 JOD, 414 KWD, 434 LYD, 512 OMR, 788 TND
            """
        ),
        (
            4,
            """
            927 UYW, 990 CLF
            """
        ),
    ]
}
