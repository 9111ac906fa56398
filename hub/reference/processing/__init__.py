"""The register of processing activities (AVG art. 30), made from agreements, grondslagen and kinds; never typed."""
