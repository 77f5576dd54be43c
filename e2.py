import sys; sys.argv
import mousefacelift.models.body_fit as bf
px, size, blur, rounds = float(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
bf._PIXEL=px; bf._BLUR=blur
src=open('/tmp/w/o/b16-scratch/e1.py').read().replace('Pinhole()', f'Pinhole(size={size})').replace('rounds=8', f'rounds={rounds}')
exec(src)
