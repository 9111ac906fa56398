"""Who is who: two persons joined, or one split off again, each by two officers who first see what would follow."""
