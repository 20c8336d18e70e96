"""Published measurements of NB-IoT, as quantiles: the numbers alone, each with its source.

* OSL: a log of each message, Oslo, October 2018 to June 2019, SARA-N211 and BC95-G, networks of Telenor and Telia, in
  the open and in a basement (github.com/theomarzaki/NB-IoT-Performance at 9038c24, Dataset/connected_share.csv,
  rai_new_share.csv, rai_old_share.csv). The quantiles were computed from its rows, linearly between the nearest two.
* GER: 156 places in Germany, July 2025 onward, nRF91, 1NCE (github.com/MrPink1996/Performance-Evaluation-of-Data-
  Collection-for-Outdoor-Plant-Experiments-Based-on-NB-IoT-and-LTE-M at 16d6fa8, Measurements/*/all_data.json)
* ZAF: tables of means by vendor, South Africa 2019 (github.com/dan-leo/masters at fbf48e7, thesis/v8/4_results.md).
* HD: SIM7020 Hardware Design V1.02, table 30, at 3.3 V.
"""

from sim7020_emulator.field.quantiles import FINE_GRID, Quantiles

ROUND_TRIP_SIZES = (20, 128, 256, 512)
"""Bytes of payload of the rows below."""

ROUND_TRIP = (
    Quantiles(
        (0.513, 0.863, 1.17, 1.3, 1.57, 1.77, 1.91, 2.02, 2.14, 2.25, 2.39, 2.68, 3.22, 3.81, 4.28, 6.76), size=1474
    ),
    Quantiles((1.17, 1.32, 1.63, 1.96, 2.28, 2.45, 2.53, 2.64, 2.73, 2.84, 2.98, 3.14, 3.5, 4.37, 4.55, 5.4), size=598),
    Quantiles(
        (1.86, 2.08, 2.41, 2.76, 2.96, 3.09, 3.22, 3.33, 3.46, 3.57, 3.77, 4.13, 5.41, 5.57, 5.65, 12.76), size=308
    ),
    Quantiles((3.67, 3.82, 4.41, 4.91, 4.98, 5.1, 5.17, 5.2, 5.43, 5.61, 6.43, 7.69, 9.89, 11.68, 12.27, 12.87)),
)
"""Seconds from a datagram sent from idle until its echo, at coverage level 0, by payload; the last of 13 only. OSL."""

ROUND_TRIP_ALL = Quantiles(
    (0.513, 0.942, 1.25, 1.44, 1.77, 1.96, 2.12, 2.28, 2.45, 2.68, 2.97, 3.45, 3.82, 4.57, 5.41, 12.87), size=2393
)
"""The same of all four sizes. OSL; without its 172 rows of 12 bytes, which are of one module in one network."""

ROUND_TRIP_1 = Quantiles(
    (0.869, 1.04, 1.81, 1.95, 2.11, 2.23, 2.35, 2.48, 2.76, 3.22, 3.55, 5.04, 6.83, 9.12, 12.72, 92.27), size=460
)
"""The same at coverage level 1, 20 bytes. OSL."""

ROUND_TRIP_2 = Quantiles(
    (3.14, 4.0, 4.93, 5.29, 5.62, 5.93, 6.12, 6.37, 6.63, 6.91, 7.32, 9.19, 12.45, 14.78, 21.0, 92.52), size=326
)
"""The same at coverage level 2, 20 bytes. OSL."""

WAY_UP = (0.81, 0.78, 0.65)
"""Median part of the round trip that is the way up, by coverage level; 593, 159 and 145 messages. OSL."""

CONNECTED_ROUND_TRIP = Quantiles(
    (0.096, 0.139, 0.166, 0.174, 0.183, 0.191, 0.199, 0.211, 0.226, 0.236, 0.259, 0.351, 1.23, 1.72, 2.17, 4.22)
)
"""Seconds from a TCP segment to its acknowledgement in connected state; means of 156 runs, level 0 but for 5. GER."""

CONNECTED_ROUND_TRIP_1 = Quantiles((0.264, 0.413, 0.637, 1.298, 1.303, 3.053, 4.22), (0, 0.1, 0.25, 0.5, 0.75, 0.9, 1))
"""The same at coverage level 1: 5 runs. GER."""

RELEASE = (
    Quantiles(
        (14.88, 20.905, 21.022, 21.056, 21.11, 21.174, 21.195, 21.451, 21.579, 21.671, 21.821, 22.052, 22.125, 22.162,
         22.19, 22.253, 22.346, 22.383, 22.487, 22.64, 23.084, 23.633, 26.239, 50.407, 93.679),
        FINE_GRID,
    ),
    Quantiles(
        (17.747, 20.911, 20.913, 20.992, 21.039, 21.042, 21.076, 21.112, 21.117, 21.122, 21.182, 21.194, 21.25, 21.596,
         21.672, 21.774, 21.797, 21.813, 22.311, 22.768, 24.357, 26.92, 50.033, 85.624, 87.27),
        FINE_GRID,
    ),
    Quantiles(
        (-4.677, 16.362, 20.21, 20.963, 21.177, 21.323, 21.464, 21.582, 21.694, 22.293, 22.634, 22.772, 23.566, 23.875,
         24.059, 24.467, 24.618, 24.731, 24.937, 26.022, 26.213, 26.559, 31.548, 35.385, 62.968),
        FINE_GRID,
    ),
)  # fmt: skip
"""Seconds from the echo until the connection is released, without release assistance, by coverage level; 2565, 492 and
326 messages. OSL."""

CONNECTED = (
    Quantiles(
        (18.1, 22.74, 23.06, 23.25, 23.54, 23.81, 24.03, 24.25, 24.45, 24.73, 25.51, 26.29, 26.75, 27.68, 46.9, 97.29)
    ),
    Quantiles(
        (18.84, 22.9, 23.08, 23.17, 23.33, 23.5, 23.68, 24.18, 24.75, 25.11, 25.54, 29.29, 32.99, 50.05, 88.07, 143.91)
    ),
    Quantiles(
        (21.43, 24.03, 26.6, 26.86, 27.13, 27.41, 29.09, 29.97, 31.13, 31.84, 33.08, 34.79, 38.79, 44.1, 52.17, 87.85)
    ),
)
"""Seconds connected for a message without release assistance, access included; 3545, 528 and 327 messages. OSL."""

ASSISTED = {
    1: (
        Quantiles((1.85, 2.25, 2.63, 2.74, 2.95, 3.21, 3.68, 3.89, 4.07, 4.29, 5.08, 13.64, 13.99, 14.2, 14.26, 18.85)),
        Quantiles((1.81, 2.14, 2.4, 2.62, 2.98, 3.2, 3.49, 3.77, 4.02, 4.33, 4.84, 5.41, 5.96, 7.17, 7.76, 16.02)),
        Quantiles((3.06, 3.33, 4.94, 5.83, 6.04, 6.25, 6.79, 7.45, 7.61, 7.83, 9.28, 10.79, 13.8, 14.38, 14.68, 15.95)),
    ),
    2: (
        Quantiles((2.38, 2.58, 2.74, 2.89, 3.07, 3.19, 3.33, 3.47, 3.65, 4.18, 4.68, 5.18, 6.07, 6.39, 6.71, 14.42)),
        Quantiles((1.9, 2.26, 2.73, 3.12, 3.74, 4.16, 4.58, 4.95, 5.51, 6.1, 7.03, 8.59, 9.47, 12.33, 13.19, 16.11)),
        Quantiles(
            (4.87, 5.53, 7.26, 7.38, 7.56, 7.75, 9.04, 9.26, 9.54, 16.89, 17.13, 17.33, 17.48, 17.63, 17.65, 17.66)
        ),
    ),
}
"""The same with release assistance that is followed (20 s at most), by what is expected, as +CNBIOTRAI has it: nothing
more (1, in OSL 0x200), one answer (2, 0x400); by coverage level. 357, 385, 214 and 504, 478, 89 messages. OSL."""

ATTACH = Quantiles((3.07, 3.21, 4.02, 4.44, 5.3, 5.9, 6.46, 7.16, 7.87, 8.6, 9.98, 17.03, 34.3, 51.36, 75.84, 174.98))
"""Seconds from the request to connect until registered, 156 places, first run. GER."""

UPDATE_MEANS = (1.74, 11.2)
"""Seconds that a periodic tracking-area update takes: the least and the greatest mean of four vendors. ZAF."""

SIGNAL = (
    Quantiles((-117, -112.98, -104.9, -99.8, -93, -88, -85, -82, -79.8, -76, -72, -65, -61, -56.04, -52.06, -49)),
    Quantiles((-120.6, -117.73, -113.7, -112.91, -112, -111.3, -110.8, -109.55, -104.76, -103.9, -93.3, -92, -91,
               -90.35, -89.76, -88.1)),
    Quantiles((-133.6, -131.93, -129.9, -128.5, -127.32, -126.7, -126.2, -125.7, -124.86, -124.3, -123.8, -122.9,
               -120.17, -116.44, -116.15, -113.9)),
)  # fmt: skip
"""RSRP in dBm by coverage level: GER (303 runs) for level 0, OSL in the basement (360 and 275 messages) for 1 and 2."""
