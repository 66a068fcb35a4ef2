"""The legal register 法律法规和合规义务: law, obligation, who sees to it, evaluation, evidence (S1 7.8; S2 5.2)."""
